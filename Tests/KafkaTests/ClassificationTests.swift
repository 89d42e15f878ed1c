import Testing

@testable import Kafka

@Suite struct ClassificationTests {
    @Test func `the classes of what brokers answer`() {
        let expected: [(KafkaError.Code, Classification.Kind)] = [
            (.transport, .retry), (.allBrokersDown, .retry), (.notLeader, .retry), (.leaderNotAvailable, .retry),
            (.notEnoughReplicas, .retry), (.notEnoughReplicasAfterAppend, .retry), (.requestTimedOut, .retry),
            (.storageError, .retry), (.corruptMessage, .retry), (.purgedInFlight, .retry), (.purgedInQueue, .retry),
            (.queueFull, .retry), (.unknown, .retry),
            (.messageTooLarge, .poison), (.recordListTooLarge, .poison), (.invalidRecord, .poison),
            (.invalidTimestamp, .poison), (.invalidTopic, .poison),
            (.topicAuthorizationFailed, .refused), (.clusterAuthorizationFailed, .refused),
            (.saslAuthenticationFailed, .refused), (.authentication, .refused), (.tls, .refused),
            (.unknownTopicOrPartition, .refused), (.localUnknownTopic, .refused), (.policyViolation, .refused),
            (.configuration, .refused),
            (.outOfOrderSequence, .fatal), (.unknownProducerID, .fatal), (.gapless, .fatal), (.fatal, .fatal),
            (.producerFenced, .fatal), (.fenced, .fatal),
        ]
        for (code, kind) in expected { #expect(code.classification.kind == kind, "\(code.name)") }
    }

    @Test func `every code has a class a reason and advice`() {
        for raw in Int32(-200)...150 {
            let classification = KafkaError.Code(rawValue: raw).classification
            #expect(!classification.reason.isEmpty)
            #expect(!classification.advice.isEmpty)
        }
    }

    /// Settings that a broker, the client or Godwit has, and that change what the code complains of.
    @Test func `remedies name settings that help`() throws {
        let ofTopics: Set = [
            "max.message.bytes", "segment.bytes", "min.insync.replicas", "message.timestamp.before.max.ms",
            "message.timestamp.after.max.ms", "message.timestamp.difference.max.ms", "message.timestamp.type",
        ]
        let ofGodwit: Set = [
            "kafka.max_record_bytes", "kafka.properties", "kafka.sasl.mechanism", "kafka.tls", "kafka.tls.ca_file",
            "kafka.topics.create",
        ]
        let ofTheClient = [
            "message.max.bytes": "1000", "queue.buffering.max.kbytes": "1000", "compression.type": "none",
        ]
        try ClientConfiguration(bootstrapServers: "localhost:1", properties: ofTheClient).validate()
        let known = ofTopics.union(ofGodwit).union(ofTheClient.keys)
        for raw in Int32(-200)...150 {
            let code = KafkaError.Code(rawValue: raw)
            let text = code.classification.reason + " " + code.classification.advice
            for name in text.matches(of: #/[a-z_]+(?:\.[a-z_]+)+/#) {
                #expect(known.contains(String(name.output)), "\(code.name)")
            }
        }
        func advice(_ code: KafkaError.Code) -> String { code.classification.advice }
        #expect(advice(.invalidTimestamp).contains("message.timestamp.before.max.ms"))
        #expect(advice(.invalidTimestamp).contains("message.timestamp.after.max.ms"))
        #expect(advice(.messageTooLarge).contains("kafka.max_record_bytes"))
        #expect(advice(.recordListTooLarge).contains("Raise the topic's segment.bytes"))
    }

    @Test func `what nobody knows is tried again`() {
        #expect(KafkaError.Code(rawValue: 4_711).classification.kind == .retry)
    }

    @Test func `an error names itself and says what to do`() {
        let text = KafkaError(.topicAuthorizationFailed, message: "Topic `a`").description
        #expect(text == "Topic `a` (TOPIC_AUTHORIZATION_FAILED). Grant Write and Describe on the topic to the client.")
    }
}
