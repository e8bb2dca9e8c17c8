package dev.quire.tornado.jvm;

/** A kernel, called with all its arguments; the context comes first if there is one. */
@FunctionalInterface
public interface KernelFunction {
  /** Runs the kernel for one work item. */
  void apply(Object[] arguments) throws Throwable;
}
