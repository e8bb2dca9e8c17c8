package dev.quire.tornado.jvm;

import java.util.List;

/** One step of a graph, in the order in which it was said. */
sealed interface GraphStep {
  /** Copy to the device, by a transfer mode. */
  record ToDevice(int mode, List<Object> objects) implements GraphStep {}

  /** Use what another graph (or this one, earlier) left on the device. */
  record Consume(String graph, List<Object> objects) implements GraphStep {}

  /** Keep on the device when the graph ends. */
  record Persist(List<Object> objects) implements GraphStep {}

  /** Copy to the host, by a transfer mode. */
  record ToHost(int mode, List<Object> objects) implements GraphStep {}

  /** Run a kernel. */
  record Task(String name, KernelFunction function, Object code, List<Object> arguments)
      implements GraphStep {}
}
