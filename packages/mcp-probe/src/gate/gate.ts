import { setTimeout as sleep } from "node:timers/promises";

import { messageOf } from "@mcp-fleet/errors";

import { probe } from "../probe";
import type { ProbeResult, ProbeTarget } from "../types";
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

/** What the server said; no outcome where it could not be asked. */
type Answer = Pick<ProbeResult, "ok" | "message"> & Partial<Pick<ProbeResult, "outcome">>;

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
      const { ok, message } = await this.ask(signal);
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
    const secure = protocol === "https:";
    const place = { host: address, port: Number(port === "" ? (secure ? 443 : 80) : port), secure };
    const listening = whileListening(place, signal);
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
      // The node's clock may jump.
      const asked = performance.now();
      const { ok, message, outcome } = await this.ask(signal);
      if (ok) {
        failures = 0;
        this.set({ ready: true, alive: true, message });
        continue;
      }
      if (failures === 0) failingSince = asked;
      failures += 1;
      // A process that lists other tools than were agreed answers, and a new one would list the same.
      if (outcome === "changed-tools") failingSince = asked;
      const dead =
        restartSeconds !== undefined &&
        outcome !== "changed-tools" &&
        performance.now() - failingSince >= restartSeconds * 1000;
      if (failures >= failuresBeforeUnready) this.set({ ready: false, alive: !dead, message });
    }
  }

  /**
   * One attempt, with the time that one request of the server may take.
   * @throws the signal's reason at once when it is aborted, whatever the server does
   */
  private ask(signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    let target: ProbeTarget;
    try {
      target = this.settings.current();
    } catch (error) {
      return Promise.resolve({ ok: false, message: messageOf(error) });
    }
    const deadlineSeconds = target.answerSeconds ?? 10;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", stop);
      probe(target, { deadlineSeconds, retryDelaySeconds: 3600 })
        .finally(() => signal.removeEventListener("abort", stop))
        .then(resolve, reject);
    });
  }

  private set(state: GateState): void {
    if (state.message !== this.state.message) this.say(state.message);
    this.state = state;
  }
}
