package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.tornado.CudaGraphs.Edge;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgrammaticLaunchTest {
  /** Nodes below 100 are kernels; 50 is a library's. */
  private static List<Edge> chosen(Edge... edges) {
    return ProgrammaticLaunch.programmatic(
        List.of(edges),
        node -> node < 100,
        node -> node == 50 ? "_ZN7cutlass6Kernel2I" : "multiply" + node);
  }

  @Test
  void kernelsFollowEachOtherButCopiesAndLibrariesKeepTheirEdges() {
    Edge copyIn = new Edge(100, 1);
    Edge kernels = new Edge(1, 2);
    Edge toLibrary = new Edge(2, 50);
    Edge fromLibrary = new Edge(50, 3);
    Edge copyOut = new Edge(3, 101);
    assertThat(chosen(copyIn, kernels, toLibrary, fromLibrary, copyOut))
        .containsExactly(kernels, fromLibrary);
    assertThat(chosen()).isEmpty();
  }

  @Test
  void branchesKeepTheirEdges() {
    Edge toJoin = new Edge(2, 4);
    assertThat(chosen(new Edge(1, 2), new Edge(1, 3), toJoin, new Edge(3, 4), new Edge(4, 5)))
        .containsExactly(new Edge(4, 5));
  }
}
