import type { Row } from "./connector";

/** The little of apache-arrow's Table that is read here. */
export type ArrowTable = {
  numRows: number;
  schema: { fields: { name: string; type: { typeId: number } }[] };
  getChildAt(index: number): { get(row: number): unknown } | null;
};

// apache-arrow's enum Type; the package itself is not imported for two numbers.
const DATE = 8;
const TIMESTAMP = 10;

function plain(value: unknown, typeId: number): unknown {
  if (value === null || value === undefined) return null;
  if (typeId === DATE || typeId === TIMESTAMP) {
    const iso = new Date(Number(value)).toISOString();
    return typeId === DATE ? iso.slice(0, 10) : iso.slice(0, 19);
  }
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" && Number.isNaN(value)) return null;
  return value;
}

export function plainRows<T extends Row>(table: ArrowTable): T[] {
  const columns = table.schema.fields.map((field, i) => ({
    name: field.name,
    typeId: field.type.typeId,
    values: table.getChildAt(i),
  }));
  return Array.from({ length: table.numRows }, (_, row) =>
    Object.fromEntries(columns.map(({ name, typeId, values }) => [name, plain(values?.get(row), typeId)])),
  ) as T[];
}
