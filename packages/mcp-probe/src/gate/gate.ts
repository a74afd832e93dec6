import { setTimeout as sleep } from "node:timers/promises";

import { probe } from "../probe";
import type { ProbeResult } from "../types";
import { whileListening } from "./connection";
import type { GateSettings } from "./settings";

/** What the gate knows of its server. */
export interface GateState {
  /** Whether the pod may get requests. */
  readonly ready: boolean;
  /** Whether the server's process is worth keeping. */
  readonly alive: boolean;
  /** Why, in a sentence. */
  readonly message: string;
}

/** Between two questions to a server that has not passed, in milliseconds. */
const againMs = 1000;
/** A server that has passed may fail so often before it is no longer ready: one answer may get lost. */
const failuresBeforeUnready = 2;

/**
 * Asks the server of one pod as its clients do, after each start of its process, and keeps the pod out of its Service until
 * it has answered. Holds no credential.
 */
export class Gate {
  state: GateState = { ready: false, alive: true, message: "The server has not been asked yet." };

  /** @param say hears each new sentence once */
  constructor(
    private readonly settings: GateSettings,
    private readonly say: (message: string) => void,
  ) {}

  /** Until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.untilPassed(signal);
        await this.whileItStays(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  private async untilPassed(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { ok, message } = await this.ask();
      signal.throwIfAborted();
      this.set({ ready: ok, alive: true, message });
      if (ok) return;
      await sleep(againMs, undefined, { signal });
    }
  }

  /** Returns when the server's process has ended, so that the next one is asked anew. */
  private async whileItStays(outer: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([outer, over.signal]);
    const { url, address = "" } = this.settings.target;
    const { port, protocol } = new URL(url);
    const listening = whileListening(
      address,
      Number(port === "" ? (protocol === "https:" ? 443 : 80) : port),
      signal,
    );
    const both = this.settings.check === "always" ? [listening, this.asking(signal)] : [listening];
    try {
      await Promise.race(both);
    } finally {
      over.abort();
      await Promise.allSettled(both);
    }
    this.set({ ready: false, alive: true, message: "The server's process has ended." });
  }

  /** Asks again and again; never returns by itself. */
  private async asking(signal: AbortSignal): Promise<never> {
    const { intervalSeconds, restartSeconds } = this.settings;
    let [failures, failingSince] = [0, 0];
    for (;;) {
      await sleep(failures === 0 ? intervalSeconds * 1000 : againMs, undefined, { signal });
      const asked = Date.now();
      const { ok, message } = await this.ask();
      signal.throwIfAborted();
      if (ok) {
        failures = 0;
        this.set({ ready: true, alive: true, message });
        continue;
      }
      if (failures === 0) failingSince = asked;
      failures += 1;
      const dead =
        restartSeconds !== undefined && Date.now() - failingSince >= restartSeconds * 1000;
      if (failures >= failuresBeforeUnready) this.set({ ready: false, alive: !dead, message });
    }
  }

  /** One attempt, with the time that one request of the server may take. */
  private ask(): Promise<ProbeResult> {
    const { target } = this.settings;
    return probe(target, { deadlineSeconds: target.answerSeconds ?? 10, retryDelaySeconds: 3600 });
  }

  private set(state: GateState): void {
    if (state.message !== this.state.message) this.say(state.message);
    this.state = state;
  }
}
