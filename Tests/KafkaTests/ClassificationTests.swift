import Testing

@testable import Kafka

@Suite struct ClassificationTests {
    @Test func theClassesOfWhatBrokersAnswer() {
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

    @Test func everyCodeHasAClassAReasonAndAdvice() {
        for raw in Int32(-200)...150 {
            let classification = KafkaError.Code(rawValue: raw).classification
            #expect(!classification.reason.isEmpty)
            #expect(!classification.advice.isEmpty)
        }
    }

    @Test func whatNobodyKnowsIsTriedAgain() {
        #expect(KafkaError.Code(rawValue: 4_711).classification.kind == .retry)
    }

    @Test func anErrorNamesItselfAndSaysWhatToDo() {
        let text = KafkaError(.topicAuthorizationFailed, message: "Topic `a`").description
        #expect(text == "Topic `a` (TOPIC_AUTHORIZATION_FAILED). Grant Write and Describe on the topic to the client.")
    }
}
