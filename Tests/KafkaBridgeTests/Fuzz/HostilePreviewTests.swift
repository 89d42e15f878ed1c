import EventSourcing
import TestSupport
import Testing

@testable import Consumers
@testable import Kafka
@testable import KafkaBridge

/// Rows of hostile values through previews.
@Suite struct HostilePreviewTests {
    @Test(arguments: [false, true], seeds(2, of: "hostile previews"))
    func `every row is shown with a record or a reason, and as large as it would be sent`(
        _ anyBytes: Bool, _ seed: UInt64
    ) throws {
        var values = HostileValues(seed, anyBytes: anyBytes)
        let events = RecordFormat.CloudEvents(source: try TextTemplate("/{bounded_context}/{aggregate_id}"))
        let dead = try TopicName(sanitizing: "dead")
        for (format, policy) in [
            (RecordFormat.payload, PoisonPolicy.halt), (.cloudEventsStructured(events), .deadLetterTopic(dead)),
        ] {
            var options = KafkaPublisherOptions(
                name: "a", client: ClientConfiguration(bootstrapServers: "x:1"),
                route: Route(
                    topic: try TopicTemplate("{event_type|kebab}.{aggregate_type}"), key: .correlationID,
                    metadataHeaders: MetadataHeaders(["tenant"]), format: format), maximumRecordBytes: 5_000,
                onPoison: policy)
            options.scope = EventScope(boundedContexts: ["a", ""])
            for scope in [options.scope, .all] {
                options.scope = scope
                var preview = ConsumerPreview(options, .init(totalSegments: 3))
                let batch = try HostileRows(&values, count: 100).batch(anyBytes: anyBytes)
                let topics = preview.topics(of: batch).reduce(into: [:]) {
                    $0[$1] = TopicFacts.exists(partitions: 3, settings: [:])
                }
                for event in batch {
                    let found = preview.preview(event, mayHaveDefects: batch.mayHaveDefects, topics: topics, now: 1)
                    #expect(found.isPublished == (found.reason == nil) && found.reason?.text.isEmpty != true)
                    if found.isPublished {
                        let record = try #require(found.record)
                        #expect(record.size <= 5_000, "seed \(seed)")
                        guard case .number(let partition) = record.partition else {
                            Issue.record("seed \(seed): \(record.partition)")
                            continue
                        }
                        #expect((0..<3).contains(partition))
                    } else if found.reason?.code != "outside_scope", policy != .halt {
                        #expect(found.record?.topic == "dead", "seed \(seed): \(String(describing: found.reason))")
                    }
                }
            }
        }
    }
}
