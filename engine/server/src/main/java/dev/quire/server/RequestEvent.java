package dev.quire.server;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** An HTTP request, for the JDK's Flight Recorder; its duration is the request's. */
@Name("dev.quire.HttpRequest")
@Label("HTTP Request")
@Category("Quire")
@Description("A request to the server, from its headers to the end of its answer")
@StackTrace(false)
final class RequestEvent extends Event {
  @Label("Method")
  String method = "";

  @Label("Path")
  String path = "";

  @Label("Status")
  int status;

  @Label("Streamed")
  boolean stream;

  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Completion Tokens")
  int completionTokens;

  @Label("Request Size")
  @DataAmount
  long requestBytes;
}
