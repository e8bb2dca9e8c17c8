package uk.ac.manchester.tornado.api.exceptions;

/** A plan could not be carried out or closed. */
public class TornadoExecutionPlanException extends Exception {
  /** Says why. */
  public TornadoExecutionPlanException(String reason) {
    super(reason);
  }

  /** Says why and what caused it. */
  public TornadoExecutionPlanException(String message, Throwable cause) {
    super(message, cause);
  }
}
