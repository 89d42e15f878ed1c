import Consumers
import EventSourcing
import TestSupport
import Testing

@testable import Kafka
@testable import KafkaBridge

/// Events of which no record can be made as the consumer wants it: what becomes of them.
@Suite(.timeLimit(.minutes(3))) struct UndeliverableRecordTests {
    @Test func `what cannot be reduced goes to the dead-letter topic without its value`() async throws {
        try await PoisonFixture.with { place in
            let name = place.kafka.uniqueTopic("dead")
            let admin = try Admin(place.kafka.client(), logger: quiet)
            _ = try await admin.createTopics([TopicSpecification(name, partitions: 1)])
            await admin.close()
            let dead = try TopicName(sanitizing: name)
            let projection = ValueProjection(try ValueProjectionTests.steps(mask: ["/a"]))
            try await place.relaying(.deadLetterTopic(dead), change: { $0.route.projection = projection }) { _ in
                // Not JSON.
                try await place.append("a", "Good")
                try await place.waitForCheckpoints(1)
            }
            let record = try #require(try await place.kafka.readAll([name]).first)
            #expect(record.value == nil && record.key == Array("a".utf8))
            #expect(record.header("dead_letter_reason") == "record")
            #expect(record.header("dead_letter_omitted_bytes") == "10")
            #expect(record.header("dead_letter_error")?.contains("not JSON") == true)
            #expect(try await place.kafka.readAll([place.topic]).isEmpty)
        }
    }

    @Test func `an event without its key is parked with the reason, and redriven once the key can be made`()
        async throws
    {
        try await PoisonFixture.with { place in
            let template = try TextTemplate("{metadata./no_such_member}:{aggregate_id}")
            try await place.relaying(.park, change: { $0.route.key = .template(template) }) { _ in
                try await place.append("a", "Good", "Good")
                try await place.waitForRows(["1 parked!", "2 parked"])
            }
            let letter = try #require(try await place.all().first)
            #expect(letter.reason == .record && letter.error.contains("metadata./no_such_member is not there"))
            try await place.relaying(.park) { _ in
                try await place.redrive()
                #expect(try await place.positions(in: place.topic, atLeast: 2) == [1, 2])
            }
        }
    }

    @Test func `a partition that the topic does not have parks the event, and one that it has is taken`() async throws {
        try await PoisonFixture.with { place in
            let template = try TextTemplate("9{event_version}")
            try await place.relaying(.park, change: { $0.route.partition = template }) { _ in
                try await place.append("a", "Good")
                try await place.waitForRows(["1 parked!"])
            }
            let letter = try #require(try await place.all().first)
            #expect(letter.reason == .record && letter.error.contains("it is meant for partition 91"))
            let (admin, key) = (try Admin(place.kafka.client(), logger: quiet), Array("a".utf8))
            let count = Int32(try await admin.describeTopics([place.topic])[0].partitionCount)
            await admin.close()
            // Another one than its key leads to.
            let other = (Partitioner.murmur2.partition(forKey: key.span.bytes, of: count) + 1) % count
            let chosen = try TextTemplate("\(other)")
            try await place.relaying(.park, change: { $0.route.partition = chosen }) { _ in
                try await place.redrive()
                #expect(try await place.positions(in: place.topic, atLeast: 1) == [1])
            }
            #expect(try await place.kafka.readAll([place.topic]).map(\.partition) == [other] && count > 1)
        }
    }

    @Test func `projected values, tombstones and keys of templates come as they are prepared, again and again`()
        async throws
    {
        let kafka = try await TestKafka()
        let topic = kafka.uniqueTopic()
        var route = Route(topic: try TopicTemplate(topic), key: .template(try TextTemplate("{payload./k}")))
        route.projection = ValueProjection(try ValueProjectionTests.steps(keep: ["/k"]))
        route.partitioner = .crc32
        let publisher = KafkaPublisher(
            KafkaPublisherOptions(name: "test", client: kafka.client(), route: route, topics: .create(partitions: 3)),
            logger: quiet)
        let payload = #"'{"k": ' || g || ', "secret": "' || repeat('s', 2000) || '"}'"#
        let sql = EventRows.sql("g", rows: 1...300, payload: payload)
        try await publisher.deliver(try await EventRows.batch(sql))
        await publisher.close()
        let records = try await kafka.readAll([topic])
        #expect(records.count == 300)
        for record in records {
            let key = try #require(record.key)
            #expect(record.value == Array(#"{"k":\#(String(decoding: key, as: UTF8.self))}"#.utf8))
            #expect(record.partition == Partitioner.crc32.partition(forKey: key.span.bytes, of: 3))
        }
    }

    @Test func `a payload that stayed in the database is needed for what is made of it, and not for a tombstone`()
        async throws
    {
        let batch = try #require(
            try await EventRows.batch(
                """
                SELECT 1::bigint, 'c', 't', 'a', 1::bigint, gen_random_uuid(), 'Erased', 1::int4, NULL::bytea, NULL::text,
                    NULL::text, NULL::text, NULL::jsonb, now(), 5000000::int4, 1::bigint
                """
            ).events)
        var route = Route(topic: try TopicTemplate("t"))
        route.tombstones = Tombstones(types: ["Erased"])
        func needed(_ route: Route) throws -> Bool {
            let prepared = try route.prepare(batch[0])
            let size = RecordSize(route).excess(over: 1_000_000, batch[0], prepared)
            #expect((size ?? 0 >= 5_000_000) == prepared.isWithheld(batch[0]))
            return prepared.isWithheld(batch[0])
        }
        #expect(try !needed(route))
        var keyed = route
        keyed.key = .template(try TextTemplate("{payload./k}"))
        #expect(try needed(keyed))
        keyed.key = .template(try TextTemplate("{aggregate_id}-"))
        #expect(try !needed(keyed))
        keyed.partition = try TextTemplate("{payload./p}")
        #expect(try needed(keyed))
        route.addedHeaders = AddedHeaders([.init("a", .place(EventPlace(.payload, try JSONPointer("/a"))))])
        #expect(try needed(route))
        var projecting = Route(topic: try TopicTemplate("t"))
        projecting.projection = ValueProjection(try ValueProjectionTests.steps(mask: ["/a"]))
        #expect(try needed(projecting))
    }

    @Test func `what is looked for is where the partitioner and the partition put it`() {
        var deletions = Deletions()
        #expect(deletions.partitions(topic: "t").isEmpty)
        deletions = Deletions(partitionCounts: ["t": 3])
        let key = Array("order-7".utf8)
        let crc32 = Set(
            (1...3).map { TopicPartition("t", Partitioner.crc32.partition(forKey: key.span.bytes, of: $0)) })
        #expect(deletions.partitions(topic: "t", key: key.span.bytes, by: .crc32) == crc32)
        #expect(deletions.partitions(topic: "t").count == 3)
        let traces = [nil, 0, 1].map { KeyTraces.key("t", key.span.bytes, partition: $0) }
        #expect(Set(traces).count == 3)
    }

    @Test func `memory counts what is kept of a record until it is acknowledged`() async throws {
        let sql = EventRows.sql("g", rows: 1...10, payload: #"'{"a": "' || repeat('x', 10000) || '"}'"#)
        let batch = try await EventRows.batch(sql)
        let plain = Route(topic: try TopicTemplate("t"))
        var route = plain
        route.projection = ValueProjection(try ValueProjectionTests.steps(mask: ["/b"]))
        #expect(route.memory(of: batch) >= plain.memory(of: batch) + 100_000)
        route.projection = nil
        route.key = .template(try TextTemplate("{payload./a}"))
        #expect(route.memory(of: batch) >= plain.memory(of: batch) + 200_000)
        // Where no event has a trace nothing is counted for one.
        route = plain
        route.traceHeaders = [.parent, .state]
        #expect(route.memory(of: batch) == plain.memory(of: batch))
    }
}
