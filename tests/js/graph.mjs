// A graph as far as the timeline looks at one: nodes, links, subgraphs, with the front-ends' names.

const INPUT = -10;
const OUTPUT = -20;

class Graph {
  nodes = [];
  subgraphs = new Map();
  links = new Map();
  #lastLink = 0;

  constructor(root) {
    this.rootGraph = root ?? this;
  }

  /** @param {object} widgets values by name @param {Graph} [subgraph] that the node stands for */
  add(type, widgets = {}, subgraph = undefined) {
    const list = Object.entries(widgets).map(([name, value]) => ({ name, value }));
    const node = { id: this.nodes.length + 1, type, graph: this, inputs: [], outputs: [], widgets: list, subgraph };
    this.nodes.push(node);
    return node;
  }

  subgraph() {
    const made = new Graph(this.rootGraph);
    this.rootGraph.subgraphs.set(this.rootGraph.subgraphs.size, made);
    return made;
  }

  /** From an output to an input, which are made where need be. Without a node: the subgraph's own. */
  wire(from, slot, to, name) {
    const input = to ? inputOf(to, name) : null;
    if (to) this.cut(to, name); // an input takes one link
    this.links.set((this.#lastLink += 1), {
      origin_id: from?.id ?? INPUT,
      origin_slot: slot,
      originIsIoNode: !from,
      target_id: to?.id ?? OUTPUT,
      target_slot: to ? to.inputs.indexOf(input) : name,
      targetIsIoNode: !to,
    });
    if (from) from.outputs[slot] ??= {};
  }

  /** Disconnects an input. */
  cut(to, name) {
    const slot = to.inputs.findIndex((input) => input.name === name);
    for (const [id, link] of this.links) if (link.target_id === to.id && link.target_slot === slot) this.links.delete(id);
  }

  getNodeById(id) {
    return this.nodes.find((node) => node.id === id) ?? null;
  }
}

function inputOf(node, name) {
  let found = node.inputs.find((input) => input.name === name);
  if (!found) node.inputs.push((found = { name }));
  return found;
}

export const graph = () => new Graph();
