package dev.quire.engine.cpu.math;

import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Skips a run of the tests at the machine's own width, which the plain run has, or at a wider one,
 * which is no other. The build registers it for the runs at given widths.
 */
public final class NarrowerWidthCondition implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    int own = VectorShape.preferredShape().vectorBitSize();
    return Integer.getInteger(Lanes.BITS_PROPERTY, 0) >= own
        ? ConditionEvaluationResult.disabled("vectors of " + own + " bits are the plain run's")
        : ConditionEvaluationResult.enabled("narrower than the plain run's vectors");
  }
}
