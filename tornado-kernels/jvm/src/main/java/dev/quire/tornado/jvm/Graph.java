package dev.quire.tornado.jvm;

import java.util.List;

/** A graph that no longer changes. */
public final class Graph {
  private final String name;
  private final List<GraphStep> steps;

  Graph(String name, List<GraphStep> steps) {
    this.name = name;
    this.steps = List.copyOf(steps);
  }

  String name() {
    return name;
  }

  List<GraphStep> steps() {
    return steps;
  }
}
