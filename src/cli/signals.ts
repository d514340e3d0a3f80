import { closeSync, openSync } from 'node:fs';

/** What signals act on. */
interface Stoppable {
  reload(): Promise<unknown>;
  stop(): Promise<number>;
}

export interface SignalHost {
  /** `process`, or a stand-in. */
  readonly emitter: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  /** True when SIGHUP means that the terminal went away, not that an operator asks for a reload. */
  readonly hungUp: () => boolean;
  /** Ends the process at once. */
  readonly exitNow: () => void;
  /** Takes what a reload threw; a configuration that was merely refused is the gateway's own to log. */
  readonly report: (error: unknown) => void;
  /** Clock, milliseconds. */
  readonly now?: () => number;
}

export interface SignalSupervisor {
  /** Serves signals for `gateway`, those that came before included. @returns What `stop` gave. */
  untilStopped(gateway: Stoppable): Promise<number>;
  release(): void;
}

/**
 * npm passes Ctrl-C on to a child that the terminal has sent it to already: within this time a second one is the same
 * key stroke. Milliseconds.
 */
const SAME_STROKE_MS = 500;

/**
 * SIGTERM and SIGINT: stop, and at once when asked again. SIGHUP: reload; asked for during a reload, one more follows.
 * Listens from the call on, so that no signal is lost while the gateway starts.
 */
export function superviseSignals(host: SignalHost): SignalSupervisor {
  const now = host.now ?? Date.now;
  let stopAskedAtMs = Number.NaN;
  let reloadAsked = false;
  let reloading = false;
  let gateway: Stoppable | null = null;
  let askedToStop: () => void = () => {};
  const stopAsked = new Promise<void>((resolve) => {
    askedToStop = resolve;
  });

  const onStop = (): void => {
    if (Number.isNaN(stopAskedAtMs)) {
      stopAskedAtMs = now();
      askedToStop();
    } else if (now() - stopAskedAtMs >= SAME_STROKE_MS) {
      host.exitNow();
    }
  };
  const onHangUp = (): void => {
    if (host.hungUp()) {
      onStop();
      return;
    }
    reloadAsked = true;
    void reloadWhileAsked();
  };
  const reloadWhileAsked = async (): Promise<void> => {
    if (gateway === null || reloading) return;
    reloading = true;
    while (reloadAsked && Number.isNaN(stopAskedAtMs)) {
      reloadAsked = false;
      try {
        await gateway.reload();
      } catch (error) {
        host.report(error);
      }
    }
    reloading = false;
  };

  const handlers = { SIGTERM: onStop, SIGINT: onStop, SIGHUP: onHangUp };
  for (const [signal, handler] of Object.entries(handlers)) host.emitter.on(signal, handler);
  return {
    async untilStopped(running) {
      gateway = running;
      void reloadWhileAsked();
      await stopAsked;
      return running.stop();
    },
    release() {
      for (const [signal, handler] of Object.entries(handlers)) host.emitter.off(signal, handler);
    },
  };
}

/** @returns A test whether the terminal this process was started from is gone; never true where there was none. */
export function terminalHungUp(): () => boolean {
  const hadTerminal = opensTerminal();
  return () => hadTerminal && !opensTerminal();
}

/** /dev/tty answers ENXIO to a process without a controlling terminal, and after a hang-up. */
function opensTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    // No terminal: that is the answer.
    return false;
  }
}
