// Messages as app/inspector/payload.py, app/latency/payload.py and app/camera/frames.py write them.

declare namespace Wire {
  type Triple = [number, number, number];
  interface Head {
    schema: string;
    view: string;
    nonce?: number;
    paces?: Record<string, string>;
  }
  interface Image {
    src: string;
    width: number;
    height: number;
    full_width: number;
    full_height: number;
  }
  interface Grid {
    rows: number;
    cols: number;
    patch_w: number;
    patch_h: number;
    pad_x: number;
    pad_y: number;
  }
  interface Stage {
    block: number;
    rule: string;
    sentences: string[];
    tokens: number;
    dtype: 'i2' | 'i4';
    data: string;
  }
  interface Run {
    schedule: string;
    blocks: number[];
    token_counts: number[];
    notes: string[];
    labels: string;
    agreement: Triple[] | null;
    truth: Triple[] | null;
    confidence?: number | null;
    segments: { table: [number, number, boolean][]; ids: string } | null;
    stages: number[];
  }
  interface Picture extends Head {
    kind: 'picture';
    generation: number;
    picture: string;
    title: string;
    notes: string[];
    image: Image;
    patches: number | null;
  }
  interface Waiting extends Head {
    kind: 'waiting';
    generation: number;
    text: string;
    done: number | null;
    of: number | null;
  }
  // What the browser keeps of a picture as it came.
  interface Told {
    model: Partial<ModelCard>;
    title: string;
    notes: string[];
    depth: number;
    schedules: string[];
    rules: Rule[];
    named: Named[];
    paper: string;
    baseline: string;
    selected: string;
  }
  interface View extends Head, Told {
    kind: 'view';
    generation: number;
    picture: string;
    reference?: { median: number; low: number } | null;
    unsure?: boolean;
    image: Image;
    grid: Grid;
    classes: Class[];
    ignore_index: number;
    can: string[];
    truth: string | null;
    runs: Run[];
    stages: Stage[];
    sent: string[];
  }
  interface Runs extends Head {
    kind: 'runs';
    runs: Run[];
    stages: Stage[];
    sent: string[];
    renamed?: Record<string, string>;
  }
  interface Explored extends Head {
    kind: 'explored';
    generation: number;
    sent: string[];
  }
  interface Heat extends Head {
    kind: 'heat';
    schedule: string;
    stage: number;
    patch: number;
    values: string;
    caption: string;
  }
  interface Failed extends Head {
    kind: 'failed';
    what: string;
    generation: number;
    schedules: string[];
    message: string;
  }
  interface File extends Head {
    kind: 'file';
    name: string;
    mime: string;
    content: string;
  }
  interface Offered extends Head {
    kind: 'offered';
    picture: string;
    title: string;
  }
  interface Features extends Head {
    kind: 'features';
    schedule: string;
    rows: number;
    cols: number;
    baseline: string;
    merged: string;
    explained: number[];
  }
  interface Curves extends Head {
    kind: 'curves';
    curves: Curve[];
    done: number;
    of: number;
  }
  interface Curve {
    method: string;
    title: string;
    points: CurvePoint[];
    left_out: string | null;
  }
  interface Messages {
    picture: Picture;
    waiting: Waiting;
    view: View;
    runs: Runs;
    explored: Explored;
    heat: Heat;
    failed: Failed;
    file: File;
    offered: Offered;
    features: Features;
    curves: Curves;
  }
  interface Contender {
    name: string;
    schedule: string;
    ms: number[];
    summary: { median: number; p10: number; p90: number } | null;
    speedup: [number, number, number] | null;
    tokens: number[];
    parts: Record<string, number>;
    blocks: [number, number, number, number][];
    verdict: string[];
    own?: Triple | null;
    agreement?: number | null;
  }
  interface Race {
    schema: number;
    kind: 'race';
    generation: number;
    race: string;
    picture: string | null;
    model: string | null;
    by_hand: boolean;
    state: RaceState;
    warmed: number;
    scope: 'picture to mask' | 'model only';
    contenders: Contender[];
    elsewhere: { runtime: string; contenders: Contender[] } | null;
    runtime: string;
    device: string;
    card: string | null;
    warnings: string[];
    facts: [string, string][];
    runs: number;
    deadline_s: number;
    // Not known before the first run.
    size: { wh_px: [number, number]; patches: number } | { wh_px?: undefined; patches?: undefined };
  }
  interface Words {
    schema: number;
    kind: 'text';
    generation: number;
    text: string;
  }
  interface Stopped {
    schema: number;
    kind: 'stopped';
    generation: number;
  }
  type RaceMessage = Race | Words | Stopped;
  interface Frame {
    number: number;
    failed?: undefined;
    image: { width: number; height: number };
    grid: Grid;
    tokens: [number, number];
    blocks: number[];
    counts: number[];
    groups: string;
    classes: Class[];
    unmerged: { labels: string; ms: number };
    merged: { labels: string; ms: number };
    agreement: number;
  }
  type FrameAnswer = Frame | { number: number; failed: string };
}
