// Events that Python answers. Gradio offers only those whose quoted names it finds in the script.

export const EVENTS = ['act', 'open', 'custom', 'missing', 'patch', 'features', 'save', 'curves', 'race'];
