// Puts the parts together.

function collectRefs(root) {
  return Object.fromEntries([...root.querySelectorAll('[data-ref]')].map((node) => [node.dataset.ref, node]));
}

function mountInspector() {
  const root = element.querySelector('.mpm');
  const ui = { ...collectRefs(element), root };
  const store = createStore(initialState());
  const actions = makeActions(store);
  store.on(['view'], ({ view }) => {
    root.dataset.empty = String(!view);
  });
  mountPanes(ui, store, actions);
  mountMethod(ui, store, actions);
  mountOptions(ui, store, actions);
  mountNamed(ui, store, actions);
  mountSchedule(ui, store, actions);
  mountStrip(ui, store, actions);
  mountStages(ui, store);
  mountLayers(ui, store);
  mountReadout(ui, store, actions);
  mountLocality(ui, store);
  mountTradeoff(ui, store, actions);
  mountClasses(ui, store, actions);
  mountDownloads(ui, store, actions);
  mountLink(ui, store);
  store.on(['pinned', 'heatWanted', 'shown', 'stage'], () => store.state.view && actions.askHeat());
  store.set({ frame: 1, maskOpacity: 0.7 });
  Object.defineProperty(root, '__inspector', { value: debugHandle(store) });
  const receive = createInbox(store, actions);
  watch('value', () => receive(props.value));
  receive(props.value);
}

mountInspector();
