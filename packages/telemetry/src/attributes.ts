/** Attributes of a span: names, counts and ids. Never a value of a row, a DSN or a header. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;
