export type Row = Record<string, unknown>;

/**
 * The one thing the pages need of an engine. Rows are plain values, whatever the engine's own types:
 * DATE as `YYYY-MM-DD`, TIMESTAMP as `YYYY-MM-DDTHH:MM:SS`, numbers as number, NULL as null.
 */
export interface Connector {
  query<T extends Row>(sql: string): Promise<T[]>;
  close(): Promise<void>;
}

export class QueryError extends Error {
  constructor(
    readonly sql: string,
    cause: unknown,
  ) {
    super(`${cause instanceof Error ? cause.message : String(cause)}\nin: ${sql}`, { cause });
    this.name = "QueryError";
  }
}

/** The engine itself did not start, or could not open the person's file. */
export class EngineError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "EngineError";
  }
}

export function sqlText(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
