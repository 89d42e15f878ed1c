import TestSupport
import Testing

@testable import Kafka

@Suite struct RedactionTests {
    @Test func `secrets are taken out of any text and nothing else is`() {
        let endpoint = TokenURL("https://login/token").map {
            TokenEndpoint(url: $0, clientID: "relay", clientSecret: "client-secret")
        }
        let configuration = ClientConfiguration(
            bootstrapServers: "kafka",
            properties: [
                "sasl.password": "hunter2", "ssl.key.password": "hunter2-and-more", "sasl.username": "relay",
                "some.new.property": "unheard-of", "ssl.keystore.password": "abc",
            ], tokens: endpoint.map { TokenSource(.endpoint($0)) })
        let redaction = Redaction(secretsOf: configuration)
        #expect(
            redaction.apply("a hunter2-and-more b hunter2 c client-secret d unheard-of e relay abc")
                == "a (hidden) b (hidden) c (hidden) d (hidden) e relay abc")
    }

    @Test func `what a line of the client holds is redacted`() {
        let configuration = ClientConfiguration(
            bootstrapServers: "kafka", properties: ["sasl.password": "hunter2"])
        let context = ClientContext(sink: LogSink(quiet), configuration: configuration)
        let error = context.explain(KafkaError(.configuration, message: "the password hunter2 is wrong"))
        #expect(error.message == "the password (hidden) is wrong")
    }
}
