// The state of a tab, see app/inspector/js/store.js.
type ActKind = 'view' | 'recipe' | 'race' | 'camera';
type Acts = Record<ActKind, number>;
interface Source {
  example?: string;
  upload?: string;
  picture?: string;
  title?: string;
}
interface Link {
  [key: string]: string | undefined;
}
interface LinkTarget {
  link: Link;
  example: string | null;
  model: string | null;
  recipe: string | null;
  problems: string[];
  isOwnPicture: boolean;
}
interface Pending {
  src: string | null;
  title: string;
  patches: number | null;
  text: string;
  done: number | null;
  of: number | null;
  digest: string | null;
  generation: number;
  file: File | null;
  width?: number;
  height?: number;
  notes?: string[];
}
interface Progress {
  done: number | null;
  of: number | null;
  text: string;
}
interface Notice {
  text: string;
  kind: string;
}
interface Against {
  equal?: string;
  recipe?: string;
}
interface Rival {
  recipe: string;
  isExact: boolean;
  note: string | null;
}
interface Zoom {
  scale: number;
  x: number;
  y: number;
}
interface Heat {
  schedule: string;
  stage: number;
  patch: number;
  caption: string;
  values: Float32Array;
  scale: Scale;
  bitmap?: OffscreenCanvas;
}
interface Scale {
  low: number;
  high: number;
}
interface Moment {
  phase: 'grid' | 'nearest' | 'found' | 'flow';
  share: number;
}
interface Motion extends Moment {
  stage: number;
}
interface Tour extends Pair {
  run: Run;
  isAsked: boolean;
  step: number;
}
type LayerName = 'picture' | 'groups' | 'outlines' | 'links' | 'size' | 'similarity' | 'mask' | 'baseline' | 'grid';
interface Layer {
  on: boolean;
  opacity: number;
}
type PaneName = 'merge' | 'baseline' | 'mask';
type MaskMode = 'merged' | 'changes' | 'truth' | 'features' | 'compare';
interface Pointer {
  pane: PaneName;
  x: number;
  y: number;
  isTouch: boolean;
}
interface Common {
  page: PageFacts;
  generation: number;
  acts: Acts;
  model: string | null;
  paces: Record<string, string>;
  source: Source | null;
  pending: Pending | null;
  live: Live | null;
  cameraText: string;
  exploring: Progress | null;
  queueing: Progress | null;
  notice: Notice | null;
  speeds: Speeds;
  linkWanted: LinkTarget | null;
  features: number;
  modeBefore: MaskMode | null;
  saving: string[];
  runs: number;
  method: string;
  options: string[];
  stage: number;
  layers: Record<LayerName, Layer>;
  hover: number | null;
  pinned: number | null;
  cursor: number | null;
  pixel: number | null;
  pointer: Pointer | null;
  focused: PaneName | null;
  preview: { src: string; picture: HTMLImageElement } | null;
  maskMode: MaskMode;
  split: number;
  maskOpacity: number;
  hiddenClasses: Set<number>;
  focusClass: number | null;
  focusFlow: Flow | null;
  zoom: Zoom;
  against: Against | null;
  side: 'own' | 'rival';
  heatWanted: boolean;
  heat: Heat | null;
  localityScope: 'stage' | 'run';
  tradeoffAxis: 'tokens' | 'latency';
  methodsAlone: string | null;
  measuring: string | null;
  tradeoffWidth: number;
  playing: boolean;
  frame: number;
  motion?: Motion | null;
  tour?: Tour | null;
  offered?: number;
}
// With a view there are a recipe that is wanted and one that is drawn, and the drawn one's run is at hand.
interface Shown extends Common {
  view: View;
  schedule: string;
  shown: string;
}
interface Empty extends Common {
  view: null;
  schedule: string | null;
  shown: string | null;
}
type State = Shown | Empty;
type StateKey = keyof Common | 'view' | 'schedule' | 'shown';
type Changes = Partial<Omit<Shown, 'view'>> & { view?: View | null };
type Store = ReturnType<typeof import('../inspector/js/store.js').createStore>;
type SetState = Store['set'];

// Speeds, see app/inspector/js/speed.js.
type RaceState = 'waiting' | 'building' | 'warming up' | 'running' | 'held' | 'done' | 'stopped';
type SpeedKind = 'baseline' | 'unmeasured' | 'measuring' | 'held' | 'few' | 'known';
interface Figure extends Interval {
  ownMs: number;
  beforeMs: number;
}
interface Interval {
  value: number;
  low: number;
  high: number;
  runs: number;
}
interface Measured {
  race: string;
  generation: number;
  state: RaceState;
  runs: number;
  before: number[];
  own: number[];
  figure: Figure | null;
}
type Speeds = Map<string, Measured>;
interface Speed {
  kind: SpeedKind;
  before: number[];
  own: number[];
  runs: number;
  figure: Figure | null;
  isLive: boolean;
  isHeld: boolean;
}
