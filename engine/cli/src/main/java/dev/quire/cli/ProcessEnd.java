package dev.quire.cli;

import jdk.jfr.FlightRecorder;

/** How the process ends once all is said. */
final class ProcessEnd {
  private ProcessEnd() {}

  /**
   * Ends the process at once, with this exit code: nothing of ours waits for a shutdown hook, and
   * no library's may hold us up. Only a flight recording is written to its file by one.
   */
  static void with(int exitCode) {
    if (FlightRecorder.isInitialized()) {
      System.exit(exitCode);
    }
    Runtime.getRuntime().halt(exitCode);
  }
}
