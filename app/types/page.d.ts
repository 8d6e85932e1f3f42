// What the browser's modules hand to each other, for editors and `tsc` only: nothing of this reaches a page.

// What gr.HTML hands to an entry, see app/scripts.py.
declare const element: HTMLElement;
declare const props: { value: string | null; page?: string };
declare const server: FrameServer | undefined;
declare function trigger(name: string, data?: unknown): void;
declare function upload(file: File): Promise<{ path: string }>;
declare function watch(name: string, action: () => void): void;

interface Window {
  mpmWish?: (kind?: ActKind) => string;
  gradio_config?: { root?: string };
}

interface WindowEventMap {
  'mpm-message': CustomEvent<string>;
  'mpm-race': CustomEvent<Wire.RaceMessage>;
}

// The parts of a page.
type Actions = ReturnType<typeof import('../inspector/js/actions.js').makeActions>;
type Opening = ReturnType<typeof import('../inspector/js/opening.js').makeOpening>;
type Files = ReturnType<typeof import('../inspector/js/pick.js').pickedFiles>;
type Races = ReturnType<typeof import('../inspector/js/races.js').createRaces>;
type Contact = ReturnType<typeof import('../inspector/js/contact.js').createContact>;
type ServerWatch = ReturnType<typeof import('../inspector/js/server.js').createWatch>;
type Later = (action: () => void, ms: number) => unknown;
type Send = (name: string, data: object) => void;
interface Page {
  store: Store;
  contact: Contact;
  watch: ServerWatch;
  send: Send;
  races: Races;
  actions: Actions;
  opening: Opening;
}
type Context = CanvasRenderingContext2D;
interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}
interface Point {
  x: number;
  y: number;
}
// What painters of the merges get.
interface Scene<R = Run, V = View> {
  view: V;
  run: R;
  stage: number;
  rect: Rect;
  cell: Rect;
}
interface Pane {
  name: PaneName;
  stage: HTMLElement;
  size: () => Sized;
  base: HTMLCanvasElement;
  top: HTMLCanvasElement;
  zoomBar: HTMLElement;
  reads: boolean;
  rect: () => Rect;
}
type MaskSide = 'merged' | 'before' | 'truth';
type MaskFor = (state: Shown, side: MaskSide) => OffscreenCanvas;

// The trade-off chart.
interface MethodPoint extends CurvePoint {
  speed: Figure | null;
  isOnLine: boolean;
}
interface PlacedPoint extends MethodPoint {
  x: number;
  y: number;
  low?: number;
  high?: number;
}
interface Method<P = MethodPoint> {
  method: string;
  title: string;
  points: P[];
  leftOut: string | null;
}
interface Plot {
  left: number;
  right: number;
  top: number;
  main: number;
  band: number;
  gap: number;
  width: number;
}
type ChartScales = ReturnType<typeof import('../inspector/js/curvescale.js').chartScales>;
type Mark = ReturnType<typeof import('../inspector/js/methodmarks.js').markOf>;
type Box = { left: number; right: number; top: number; bottom: number };

// The camera.
interface FrameServer {
  frame: (asked: object) => Promise<Wire.FrameAnswer>;
}
interface Taken extends Sized {
  canvas: HTMLCanvasElement;
  takenAt: number;
  jpeg: string;
}
interface BareFrame {
  view: { picture: HTMLCanvasElement } & Sized;
  run: null;
}
type LiveFrame = Awaited<ReturnType<typeof import('../camera/js/frame.js').decodeFrame>>;
// Hears of each frame, see app/camera/js/loop.js.
interface Heard {
  taken: (taken: Taken) => void;
  answered: (taken: Taken, answer: Wire.Frame) => Promise<void>;
  failed: (sentence: string) => void;
  slow: () => Promise<void>;
  lost: (error: unknown) => Promise<boolean>;
}
type Rates = ReturnType<typeof import('../camera/js/rates.js').createRates>;
type ToldRates = ReturnType<Rates['told']>;
type Live = (BareFrame | LiveFrame) & { frames: number; rates: ToldRates };

// Nodes made by `el` and `svgEl` of app/js/util.js.
type Child = Node | string | number | null | undefined | false;
interface Attributes {
  style?: Record<string, string | number | null>;
  onclick?: (event: MouseEvent) => unknown;
  oninput?: (event: InputEvent & { target: HTMLInputElement }) => unknown;
  onkeydown?: (event: KeyboardEvent) => unknown;
  [name: string]: unknown;
}
interface Option<V = string> {
  value: V;
  text: string;
  title?: string;
  sub?: string;
}

// Elements of app/inspector/inspector.html by their data-ref.
interface Ui {
  against: HTMLSelectElement;
  agreement: HTMLElement;
  agrees: HTMLElement;
  baselineBase: HTMLCanvasElement;
  baselineCaption: HTMLElement;
  baselineStage: HTMLElement;
  baselineTop: HTMLCanvasElement;
  baselineZoom: HTMLElement;
  below: HTMLElement;
  besideName: HTMLElement;
  chartRows: HTMLTableSectionElement;
  chartTable: HTMLDetailsElement;
  chartTip: HTMLElement;
  classes: HTMLElement;
  classesFold: HTMLDetailsElement;
  copyLink: HTMLButtonElement;
  counter: HTMLElement;
  curvesProgress: HTMLElement;
  downloadCaption: HTMLElement;
  downloads: HTMLElement;
  elsewhere: HTMLDetailsElement;
  empty: HTMLElement;
  filmstrip: HTMLElement;
  flows: HTMLElement;
  handle: HTMLElement;
  headline: HTMLElement;
  histogram: HTMLElement;
  layers: HTMLElement;
  layersPop: HTMLDetailsElement;
  leftName: HTMLElement;
  leftOut: HTMLElement;
  legend: HTMLElement;
  links: HTMLElement;
  localityCaption: HTMLElement;
  localityScope: HTMLElement;
  lostTitle: HTMLElement;
  maskBase: HTMLCanvasElement;
  maskCaption: HTMLElement;
  maskFader: HTMLElement;
  maskOpacity: HTMLInputElement;
  maskStage: HTMLElement;
  maskTop: HTMLCanvasElement;
  maskZoom: HTMLElement;
  measureMethods: HTMLButtonElement;
  mergeBase: HTMLCanvasElement;
  mergeCaption: HTMLElement;
  mergeStage: HTMLElement;
  mergeTop: HTMLCanvasElement;
  mergeZoom: HTMLElement;
  mergedName: HTMLElement;
  method: HTMLSelectElement;
  methodAbout: HTMLElement;
  model: HTMLSelectElement;
  modelAbout: HTMLElement;
  modes: HTMLElement;
  named: HTMLSelectElement;
  options: HTMLElement;
  panes: HTMLElement;
  parameters: HTMLElement;
  play: HTMLElement;
  range: HTMLInputElement;
  readout: HTMLElement;
  recipePop: HTMLDetailsElement;
  recipeText: HTMLElement;
  rightName: HTMLElement;
  root: HTMLElement;
  saveMenu: HTMLButtonElement;
  scales: HTMLElement;
  shares: HTMLElement;
  sides: HTMLElement;
  slider: HTMLElement;
  speed: HTMLElement;
  spoken: HTMLElement;
  stages: HTMLElement;
  status: HTMLElement;
  stops: HTMLElement;
  strip: HTMLElement;
  stripCaption: HTMLElement;
  takeaway: HTMLElement;
  ticks: HTMLElement;
  tip: HTMLElement;
  tour: HTMLElement;
  tourStart: HTMLButtonElement;
  tradeoff: HTMLElement;
  tradeoffAxis: HTMLElement;
  tradeoffCaption: HTMLElement;
  unsure: HTMLElement;
  waiting: HTMLElement;
}

interface SpeedBar {
  name: 'unmerged' | 'merged';
  row: HTMLElement;
  track: HTMLElement;
  fill: HTMLElement;
  ticks: HTMLElement;
  value: HTMLElement;
}
