/** What the two ways of receiving have in common. */
import type { Refusal } from "../shared/live";

export type TransportKind = "whep" | "mse";

/** Why a transport stopped. `refusal` is set when trying again cannot help. */
export interface Loss {
  reason: string;
  refusal: Refusal | null;
}

/** What a transport tells the player. After `lost` or `ended` it says nothing more. */
export interface TransportHost {
  /** The video element has this transport's source now and may play it. */
  attached(): void;
  /** Sound and picture stopped for want of data and were not told to. */
  stalled(): void;
  lost(loss: Loss): void;
  /** The programme is over and everything received has been played. */
  ended(): void;
}

export interface Transport {
  readonly kind: TransportKind;
  /** Programme time on screen in milliseconds, given the server's programme time now; null: not known. */
  positionMs(serverNowMs: number | null): number | null;
  /** How far behind the lecture the screen is, in milliseconds; null: not known yet. */
  delayMs(serverNowMs: number | null): number | null;
  /** Goes to the newest moment there is, after a local pause. */
  toLive(): void;
  /** Stops receiving. The last frame stays until another source replaces it. */
  close(): void;
  /** The page is going away: only what still reaches the server then. */
  leave(): void;
}
