import type { Day } from "../lib/dates";
import { sqlText, type Connector } from "./connector";
import type { DayRow, HourCell, MeasureRow, MoodRow, ProjectMinutes, SessionRow, SleepRow } from "./marts";

const day = (value: Day): string => `DATE ${sqlText(value)}`;

export const queries = {
  days: (db: Connector) => db.query<DayRow>("SELECT * FROM mart_productivity_daily ORDER BY date"),

  sleeps: (db: Connector) =>
    db.query<SleepRow>(`
      SELECT date, is_main, started_local, ended_local, minutes_asleep
      FROM fct_sleep ORDER BY date, started_local`),

  projectMinutes: (db: Connector) =>
    db.query<ProjectMinutes>(`
      SELECT date, coalesce(project_id, '') AS project_id, any_value(project_name) AS project_name,
             sum(duration_minutes)::DOUBLE AS minutes
      FROM fct_work_sessions GROUP BY ALL ORDER BY date, project_id`),

  measures: (db: Connector) =>
    db.query<MeasureRow>(`
      SELECT date, measure, value, unit, label_ja, label_en, dataset
      FROM fct_daily_measures WHERE value IS NOT NULL ORDER BY measure, date`),

  /** Minutes by clock hour: a session from 10:45 to 12:15 gives 15 to ten, 60 to eleven, 15 to twelve. */
  hourMap: (db: Connector, from: Day, to: Day) =>
    db.query<HourCell>(`
      WITH sessions AS (
        SELECT started_local AS s, started_local + to_seconds((duration_minutes * 60)::BIGINT) AS e
        FROM fct_work_sessions WHERE date BETWEEN ${day(from)} AND ${day(to)} AND duration_minutes > 0
      ), hours AS (
        SELECT s, e, unnest(generate_series(date_trunc('hour', s), e, INTERVAL 1 HOUR)) AS h FROM sessions
      )
      SELECT isodow(h)::INT AS weekday, hour(h)::INT AS hour,
             sum(date_diff('second', greatest(s, h), least(e, h + INTERVAL 1 HOUR)))::DOUBLE / 60 AS minutes
      FROM hours WHERE h < e GROUP BY ALL`),

  sessionsOf: (db: Connector, date: Day) =>
    db.query<SessionRow>(`
      SELECT started_local, duration_minutes, focus_level, project_name, task_name, work_notes
      FROM fct_work_sessions WHERE date = ${day(date)} ORDER BY started_local`),

  moodsOf: (db: Connector, date: Day) =>
    db.query<MoodRow>(`
      SELECT noted_local, mood_level, notes
      FROM fct_mood_entries WHERE date = ${day(date)} ORDER BY noted_local`),
};
