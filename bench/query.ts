import { Client } from "pg";

import type { Lab } from "../lab/session";

/** Asks the lab's database as its superuser. */
export async function query<T extends object>(lab: Lab, sql: string): Promise<T[]> {
  const db = new Client({ connectionString: lab.database.superuserUrl });
  await db.connect();
  try {
    return (await db.query<T>(sql)).rows;
  } finally {
    await db.end();
  }
}
