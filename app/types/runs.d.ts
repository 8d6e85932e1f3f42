// What the models and rules are, and views and runs once they are decoded.

// What a page offers before any picture: `page_facts` of app/inspector/section.py.
interface PageFacts {
  title: string;
  models: ModelCard[];
  model: string | null;
  examples: Example[];
  selected_example: string | null;
  groups: string[];
  links: Record<string, string>;
  stops: string[];
  first: boolean;
}
interface ModelCard {
  name: string;
  line: string;
  about: string;
  licence: string;
  group: string;
  title: string;
  classes: number;
  parameters_m: number | null;
  download: string | null;
}
interface Example {
  name: string;
  title: string;
  kind: string;
  credit: string;
  thumbnail: string;
}
interface Class {
  name: string;
  colour: string;
}
type ParameterValue = number | string | boolean | null;
interface Parameter {
  name: string;
  kind: 'int' | 'float' | 'bool' | 'str';
  default: ParameterValue;
  is_optional: boolean;
  is_named: boolean;
  low?: number;
  high?: number;
}
interface Rule {
  name: string;
  title: string;
  source: string;
  about: string;
  parameters: Parameter[];
}
interface Named {
  name: string;
  title: string;
  source: string;
  about: string;
  is_published: boolean;
  text: string;
}
interface CurvePoint {
  schedule: string;
  kept: number;
  agreement: number;
}

// Recipes, see app/js/recipe.js.
interface RecipeStage {
  rule: string;
  blocks: number[];
}
interface RecipeParts {
  stages: RecipeStage[];
  options: string[];
}

// Runs and views, decoded.
type Labels = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
type Span = [number, number];
type Rgb = [number, number, number];
type Bitmap = OffscreenCanvas & { image?: ImageData };
interface PlainStage {
  block: number;
  rule: string;
  sentences: string[];
  index: Int32Array;
  nearest: Int32Array;
  partner: Int32Array;
  similarity: Float32Array;
  code: Uint8Array;
}
interface Stage extends PlainStage {
  position: Int32Array;
}
interface Segment {
  label: number;
  score: number;
  isThing: boolean;
  number: number;
  of: number;
}
interface Segments {
  ids: Labels;
  table: Segment[];
  things: Map<number, number>;
}
interface Comparison {
  total: number;
  rows: ClassRow[];
  agreement: number;
  miou: number;
  flows: Flow[];
}
interface ClassRow {
  index: number;
  before: number;
  after: number;
  both: number;
  iou: number;
}
interface Flow {
  from: number;
  to: number;
  share: number;
}
// As much of a run as painters of groups and masks need: a camera's frame has no more.
interface Painted {
  groups: ArrayLike<number>[];
  sizes: Int32Array[];
  labels: Labels;
  bitmaps?: Map<string, unknown>;
}
interface Run extends Painted {
  schedule: string;
  blocks: number[];
  tokenCounts: number[];
  notes: string[];
  segments: Segments | null;
  agreement: Wire.Triple[] | null;
  truth: Wire.Triple[] | null;
  confidence: number | null;
  stages: Stage[];
  groups: Int32Array[];
  tokens: Int32Array[];
  // Made on first use, and kept:
  colours?: Map<number, Uint8ClampedArray>;
  compared?: Map<Run, Comparison>;
  largestChange?: Map<Run, { patch: number; pixels: number }>;
  judged?: Comparison;
  outlined?: { key: string; canvas: OffscreenCanvas };
}
interface Pair {
  from: number;
  to: number;
  similarity: number;
}
// What an insertion did to a patch's token; places are patches.
type HistoryKind = 'merged' | 'preferred' | 'unpaired' | 'alone' | 'joined';
interface Places {
  self: number;
  partner?: number;
  nearest?: number;
  rival?: number;
}
interface HistoryEntry extends Places {
  block: number;
  isInside: boolean;
  rule: string;
  sentence: string;
  kind: HistoryKind;
  similarity: number;
  nearestSimilarity?: number;
  distance?: number;
}
interface Sized {
  width: number;
  height: number;
}
interface GridShape {
  rows: number;
  cols: number;
  size: number;
}
interface GridPlace {
  patchW: number;
  patchH: number;
  padX: number;
  padY: number;
}
interface Spans {
  xSpans: Span[];
  ySpans: Span[];
}
interface Inside {
  rows: Span;
  cols: Span;
}
// A picture and the grid of patches that lies over it.
interface Gridded extends Sized, GridShape, GridPlace, Spans {
  picture: HTMLImageElement | HTMLCanvasElement;
  sums: Float64Array;
  classes: Class[];
  inside?: Inside;
  fitted?: OffscreenCanvas;
}
interface FeatureColours {
  rows: number;
  cols: number;
  explained: number[];
  baseline: Uint8Array;
  merged: Uint8Array;
  bitmaps?: { baseline?: OffscreenCanvas; merged?: OffscreenCanvas };
}
interface View extends Gridded, Wire.Told {
  key: string;
  digest: string;
  source?: Source | null;
  reference: { median: number; low: number } | null;
  unsure: boolean;
  picture: HTMLImageElement;
  src: string;
  fullWidth: number;
  fullHeight: number;
  inside: Inside;
  ignoreIndex: number;
  can: Set<string>;
  truth: Labels | null;
  runs: Map<string, Run>;
  failed: Map<string, string>;
  curves: { curves: Wire.Curve[]; done: number; of: number } | null;
  curvesAsked?: boolean;
  features: Map<string, FeatureColours>;
  featuresAsked?: Map<string, number>;
  renamed: Map<string, string>;
  sent: string[];
  asked?: Map<string, number>;
}
