package uk.ac.manchester.tornado.api;

import dev.quire.tornado.jvm.Graph;

/** A task graph that no longer changes. */
public class ImmutableTaskGraph {
  private final Graph graph;

  ImmutableTaskGraph(Graph graph) {
    this.graph = graph;
  }

  Graph graph() {
    return graph;
  }
}
