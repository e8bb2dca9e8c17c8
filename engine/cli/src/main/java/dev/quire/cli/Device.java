package dev.quire.cli;

/** What {@code --device} asks for. */
enum Device {
  AUTO,
  CPU,
  GPU,
  JVM
}
