package dev.quire.examples.spring;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/**
 * Spring AI's OpenAI starter against {@code quire serve}: the address in {@code
 * application.properties} is all that differs.
 *
 * <pre>
 *   quire serve &amp;
 *   mvn spring-boot:run
 * </pre>
 */
@SpringBootApplication
public class Application {
  public static void main(String[] args) {
    System.exit(SpringApplication.exit(SpringApplication.run(Application.class, args)));
  }

  @Bean
  CommandLineRunner ask(ChatClient.Builder builder) {
    ChatClient client = builder.defaultSystem("You are a page at court.").build();
    return _ -> {
      System.out.println("answer:   " + client.prompt("Who goes there?").call().content());
      System.out.print("streamed: ");
      client.prompt("And what would he have?").stream()
          .content()
          .doOnNext(System.out::print)
          .blockLast();
      System.out.println();
    };
  }
}
