import type { DayRow } from "../src/data/marts";
import { addDays, type Day } from "../src/lib/dates";

const EMPTY: Omit<DayRow, "date"> = {
  work_minutes: null, session_count: null, pomodoro_count: null, focus_level_avg: null, mood_level_avg: null,
  mood_entry_count: null, tasks_completed: null, sleep_minutes: null, nap_minutes: null, sleep_start_local: null,
  sleep_end_local: null, sleep_efficiency_pct: null, deep_minutes: null, light_minutes: null, rem_minutes: null,
  awake_minutes: null, steps: null, active_minutes: null, calories_kcal: null, resting_heart_rate_bpm: null,
  hrv_ms: null, temperature_mean_celsius: null, temperature_min_celsius: null, temperature_max_celsius: null,
  pressure_hpa: null, pressure_change_hpa: null, humidity_pct: null, precipitation_mm: null, daylight_hours: null,
  us_aqi: null, discomfort_index: null, meeting_minutes: null, event_count: null, sleep_score: null,
  activity_score: null, productivity_score: null, has_work: false, has_mood: false, has_sleep: false,
  has_body: false, has_weather: false, has_calendar: false,
};

/** One day; what is given decides what counts as recorded. */
export function dayRow(date: Day, values: Partial<DayRow> = {}): DayRow {
  return {
    ...EMPTY,
    date,
    has_work: values.work_minutes != null,
    has_mood: values.mood_level_avg != null,
    has_sleep: values.sleep_minutes != null,
    has_weather: values.temperature_min_celsius != null,
    ...values,
  };
}

/** `count` days up to and including `last`. */
export function dayRows(last: Day, count: number, values: (index: number, date: Day) => Partial<DayRow>): DayRow[] {
  return Array.from({ length: count }, (_, i) => {
    const date = addDays(last, i - count + 1);
    return dayRow(date, values(i, date));
  });
}
