import handlers from 'ioredis/built/DataHandler.js';

/** What the library does with replies; private to it, so a test holds that each still has its effect. */
interface Handler {
  readonly redis: { readonly commandQueue: { peekFront(): { command: SentCommand } | undefined } };
  dispatch(take: () => void): void;
  returnReply(reply: unknown): void;
}

interface SentCommand {
  readonly name: string;
  readonly args: readonly unknown[];
}

const HASH_SLOTS = 16_384;
const PORT_MAX = 65_535;

/**
 * Makes replies that the library does not expect end their connection, as other breaches of the protocol do.
 *
 * By itself it throws in a turn of its own, which ends the thread: for a null that answers no command, for a push of
 * null, and where a cluster's list of masters has another form. One with too many hash slots ends the process. And the
 * address of a master that is none makes it give up for ever. Nothing of ours runs inside and could throw.
 */
export function surviveOddReplies(): void {
  const prototype = handlers.default.prototype as unknown as Handler;
  const { returnReply } = prototype;
  prototype.dispatch = (take) => take();
  prototype.returnReply = function (this: Handler, reply: unknown): void {
    const command = this.redis.commandQueue.peekFront()?.command;
    if (command !== undefined && !fits(command, reply)) throw new Error('Redis gave no addresses where it should');
    returnReply.call(this, reply);
  };
}

/** Whether a reply that names addresses has the form that the library relies on. */
function fits({ name, args }: SentCommand, reply: unknown): boolean {
  const word = String(args[0]).toLowerCase();
  if (name === 'cluster' && word === 'slots') return Array.isArray(reply) && reply.every(isSlotRange);
  if (name !== 'sentinel') return true;
  if (word !== 'get-master-addr-by-name') return Array.isArray(reply);
  return reply === null || (Array.isArray(reply) && reply.length === 2 && isHost(reply[0]) && isPort(Number(reply[1])));
}

/** First slot, last slot, then host, port and more of each node; a host that is not known is empty or null. */
function isSlotRange(range: unknown): boolean {
  if (!Array.isArray(range)) return false;
  const [first, last, ...nodes] = range;
  return (
    isSlot(first) &&
    isSlot(last) &&
    nodes.every((node) => Array.isArray(node) && (node[0] === null || Buffer.isBuffer(node[0])) && isPort(node[1]))
  );
}

function isSlot(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < HASH_SLOTS;
}

function isHost(value: unknown): boolean {
  return Buffer.isBuffer(value) && value.length > 0;
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= PORT_MAX;
}
