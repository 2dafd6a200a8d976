import type { Day } from "../lib/dates";

/** A row of the marts as the pages read it: the same names and units, whichever road it came by. */
export type DayRow = {
  date: Day;
  work_minutes: number | null;
  session_count: number | null;
  pomodoro_count: number | null;
  focus_level_avg: number | null;
  mood_level_avg: number | null;
  mood_entry_count: number | null;
  tasks_completed: number | null;
  sleep_minutes: number | null;
  nap_minutes: number | null;
  sleep_start_local: string | null;
  sleep_end_local: string | null;
  sleep_efficiency_pct: number | null;
  deep_minutes: number | null;
  light_minutes: number | null;
  rem_minutes: number | null;
  awake_minutes: number | null;
  steps: number | null;
  active_minutes: number | null;
  calories_kcal: number | null;
  resting_heart_rate_bpm: number | null;
  hrv_ms: number | null;
  temperature_mean_celsius: number | null;
  temperature_min_celsius: number | null;
  temperature_max_celsius: number | null;
  pressure_hpa: number | null;
  pressure_change_hpa: number | null;
  humidity_pct: number | null;
  precipitation_mm: number | null;
  daylight_hours: number | null;
  us_aqi: number | null;
  discomfort_index: number | null;
  meeting_minutes: number | null;
  event_count: number | null;
  sleep_score: number | null;
  activity_score: number | null;
  productivity_score: number | null;
  has_work: boolean;
  has_mood: boolean;
  has_sleep: boolean;
  has_body: boolean;
  has_weather: boolean;
  has_calendar: boolean;
};

export const DOMAINS = ["work", "mood", "sleep", "body", "weather", "calendar"] as const;
export type Domain = (typeof DOMAINS)[number];

export function has(row: DayRow, domain: Domain): boolean {
  return row[`has_${domain}`];
}

export type SleepRow = {
  date: Day;
  is_main: boolean;
  started_local: string;
  ended_local: string;
  minutes_asleep: number | null;
};

export type ProjectMinutes = { date: Day; project_id: string; project_name: string | null; minutes: number };

export type MeasureRow = {
  date: Day;
  measure: string;
  value: number;
  unit: string | null;
  label_ja: string | null;
  label_en: string | null;
  dataset: string | null;
};

export type HourCell = { weekday: number; hour: number; minutes: number };

export type SessionRow = {
  started_local: string;
  duration_minutes: number;
  focus_level: number | null;
  project_name: string | null;
  task_name: string | null;
  work_notes: string | null;
};

export type MoodRow = { noted_local: string; mood_level: number; notes: string | null };
