// The latency view and the device cards: their messages are those of app/latency/payload.py and cards.py.

declare namespace Wire {
  interface Card {
    file: string;
    title: string;
    note: string;
    work: (string | number)[];
    results: CardResult[];
  }
  interface CardResult {
    schedule: string;
    runtime: string;
    median: number;
    p10: number;
    p90: number;
    runs: number;
    speedup: Triple;
  }
  interface Cards {
    schema: number;
    cards: Card[];
    refused: string[];
    paper: { name: string; ratio: number }[];
  }
}

interface Contender extends Wire.Contender {
  runtime: string; // its title, empty where there is only one
  isThere: boolean;
  place: number;
  tint: string;
  against: string;
}
interface Theme {
  tints: string[];
  ink: string;
  line: string;
}
// What the view of a race remembers.
interface Racing {
  race: Wire.Race | null;
  focus: string | null;
  theme: Theme | null;
  waiting: number;
  received: number;
  draws: number;
  drawMs: number;
  profile: string;
  judged: string;
  judgedAt: number;
  stoppedAt: number;
}
type ShowFocus = (options: Option[], chosen: string) => void;
interface CardFile {
  name: string;
  text: string;
}

// Elements of app/latency/live.html by their data-ref.
interface LiveUi {
  bars: HTMLElement;
  blocks: HTMLElement;
  blocksCaption: HTMLElement;
  canvas: HTMLCanvasElement;
  empty: HTMLElement;
  facts: HTMLElement;
  focus: HTMLElement;
  onTop: HTMLElement;
  parts: HTMLElement;
  partsCaption: HTMLElement;
  plotCaption: HTMLElement;
  profiled: HTMLElement;
  progress: HTMLElement;
  root: HTMLElement;
  rows: HTMLElement;
  saveCard: HTMLButtonElement;
  scope: HTMLElement;
  status: HTMLElement;
  verdict: HTMLElement;
  warnings: HTMLElement;
}
// Elements of app/latency/cards.html by their data-ref.
interface CardsUi {
  cards: HTMLElement;
  cardsCaption: HTMLElement;
  drop: HTMLElement;
  files: HTMLInputElement;
  open: HTMLButtonElement;
  paper: HTMLElement;
  refused: HTMLElement;
  root: HTMLElement;
}
