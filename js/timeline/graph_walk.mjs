// Follows the wires of a graph, through reroutes and in and out of subgraphs. It records what its results depend on, so
// that the widget can listen to exactly these nodes and widgets.

const MOST_STEPS = 200; // reroutes and subgraph borders along one wire; a longer one is a loop

export class GraphWalk {
  /** Nodes whose connections the results depend on. */
  nodes = new Set();
  /** Widgets whose values the results depend on. */
  widgets = new Set();
  #enteredBy = new Map(); // subgraph → the node through which the walk entered it

  /** The node that feeds an input, or null. */
  source(node, inputName) {
    return this.#into(node, slotOf(node, inputName)).source;
  }

  /** Whether an input gets its value from another node or from the outside of a subgraph, not from its own widget. */
  isGiven(node, inputName) {
    const { source, begin } = this.#into(node, slotOf(node, inputName));
    return source !== null || begin.node.subgraph !== undefined;
  }

  /** The nodes that a node feeds. */
  takers(node) {
    this.nodes.add(node);
    return (node.outputs ?? []).flatMap((_, slot) => this.#takersOf(node, slot, MOST_STEPS));
  }

  /** The effective value of a node's widget: its own, or that of the node connected to it. */
  value(node, name) {
    const slot = slotOf(node, name);
    if (!linkInto(node, slot)) return this.#read(node, name);
    const { source, begin } = this.#into(node, slot);
    if (source) return this.#read(source, "value");
    const input = begin.node.inputs[begin.slot]; // of a subgraph, which exposes the widget
    return this.#read(begin.node, input.widget?.name ?? input.name) ?? this.#read(node, name);
  }

  #read(node, name) {
    const widget = node.widgets?.find((one) => one.name === name);
    if (widget) this.widgets.add(widget);
    return widget?.value;
  }

  /**
   * Follows a wire upstream from an input.
   * @returns {{source: object|null, begin: {node: object, slot: number}}} the node that feeds it, or null and the
   *   unconnected input where the wire begins
   */
  #into(node, slot, stepsLeft = MOST_STEPS) {
    this.nodes.add(node);
    const nothing = { source: null, begin: { node, slot } };
    const link = linkInto(node, slot);
    if (!link || stepsLeft === 0) return nothing;
    if (!link.originIsIoNode) return this.#outOf(node.graph, link, stepsLeft - 1) ?? nothing;
    const holder = this.#holderOf(node.graph);
    return holder ? this.#into(holder, link.origin_slot, stepsLeft - 1) : nothing;
  }

  #outOf(graph, link, stepsLeft) {
    const node = graph.getNodeById(link.origin_id);
    if (!node) return null;
    this.nodes.add(node);
    if (node.type === "Reroute") return this.#into(node, 0, stepsLeft);
    if (!node.subgraph) return { source: node, begin: null };
    this.#enteredBy.set(node.subgraph, node);
    const inner = linksOf(node.subgraph).find((one) => one.targetIsIoNode && one.target_slot === link.origin_slot);
    if (!inner || stepsLeft === 0) return null;
    if (inner.originIsIoNode) return this.#into(node, inner.origin_slot, stepsLeft - 1);
    return this.#outOf(node.subgraph, inner, stepsLeft - 1);
  }

  #takersOf(node, slot, stepsLeft) {
    return linksOutOf(node, slot).flatMap((link) => this.#taker(node.graph, link, stepsLeft));
  }

  #taker(graph, link, stepsLeft) {
    if (stepsLeft === 0) return [];
    if (link.targetIsIoNode) {
      const holder = this.#holderOf(graph);
      return holder ? this.#takersOf(holder, link.target_slot, stepsLeft - 1) : [];
    }
    const node = graph.getNodeById(link.target_id);
    if (!node) return [];
    this.nodes.add(node);
    if (node.type === "Reroute") return this.#takersOf(node, 0, stepsLeft - 1);
    if (!node.subgraph) return [node];
    this.#enteredBy.set(node.subgraph, node);
    const inner = linksOf(node.subgraph).filter((one) => one.originIsIoNode && one.origin_slot === link.target_slot);
    return inner.flatMap((one) => this.#taker(node.subgraph, one, stepsLeft - 1));
  }

  /** The node of a subgraph: the one the walk came through, else the first of possibly several. */
  #holderOf(subgraph) {
    const entered = this.#enteredBy.get(subgraph);
    if (entered) return entered;
    const root = subgraph.rootGraph;
    const nodes = [root, ...root.subgraphs.values()].flatMap((graph) => graph.nodes);
    const holder = nodes.find((node) => node.subgraph === subgraph) ?? null;
    if (holder) this.nodes.add(holder);
    return holder;
  }
}

function slotOf(node, inputName) {
  return (node.inputs ?? []).findIndex((input) => input.name === inputName);
}

// Slots list their links too, but newer front-ends deprecate that.

const linksOf = (graph) => [...(graph?.links.values() ?? [])];

const linkInto = (node, slot) =>
  linksOf(node.graph).find((link) => link.target_slot === slot && link.target_id === node.id);

const linksOutOf = (node, slot) =>
  linksOf(node.graph).filter((link) => link.origin_slot === slot && link.origin_id === node.id);
