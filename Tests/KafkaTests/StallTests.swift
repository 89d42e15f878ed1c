import KafkaTestBroker
import Synchronization
import TestSupport
import Testing

@testable import Kafka

@Suite struct StallWatchTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    private func expect(
        _ watch: inout StallWatch, isStalled: Bool, at second: Int, isDown: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = watch.isStalled(isDown: isDown, now: at(second))
        #expect(found == isStalled, sourceLocation: sourceLocation)
    }

    @Test func `waiting begins with the first record and ends with the last report`() {
        var watch = StallWatch(limit: .seconds(10))
        #expect(watch.waitingSince == nil)
        watch.handedOver(2, now: at(1))
        watch.handedOver(3, now: at(2))
        #expect(watch.waitingSince == at(1))
        watch.reported(4, now: at(3))
        #expect(watch.waitingSince == at(3))
        watch.reported(1, now: at(4))
        #expect(watch.waitingSince == nil)
        watch.handedOver(1, now: at(50))
        #expect(watch.waitingSince == at(50))
    }

    @Test func `a report that is counted before its record leaves nothing waiting`() {
        var watch = StallWatch(limit: .seconds(10))
        watch.reported(3, now: at(1))
        watch.handedOver(3, now: at(2))
        #expect(watch.waitingSince == nil)
        watch.reported(3, now: at(3))
        watch.handedOver(4, now: at(4))
        #expect(watch.waitingSince == at(4))
    }

    @Test func `silence for longer than the limit is a stall`() {
        var watch = StallWatch(limit: .seconds(10))
        expect(&watch, isStalled: false, at: 100)
        watch.handedOver(2, now: at(100))
        expect(&watch, isStalled: false, at: 110)
        watch.reported(1, now: at(110))
        expect(&watch, isStalled: false, at: 120)
        expect(&watch, isStalled: true, at: 121)
    }

    @Test func `an outage is no stall however long`() {
        var watch = StallWatch(limit: .seconds(10))
        watch.handedOver(1, now: at(0))
        for second in 1..<100 { expect(&watch, isStalled: false, at: second, isDown: true) }
        #expect(watch.waitingSince == at(0), "people see it all the same")
        expect(&watch, isStalled: false, at: 109)
        expect(&watch, isStalled: true, at: 110)
    }

    @Test func `a short limit is looked at often`() {
        #expect(StallWatch(limit: .milliseconds(200)).lookInterval == .milliseconds(50))
        #expect(StallWatch(limit: .seconds(120)).lookInterval == .seconds(5))
    }
}

@Suite(.onEmbeddedBroker, .timeLimit(.minutes(1))) struct StallTests {
    @Test func `a stuck producer ends whatever events come`() async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let events = Atomic(0)
            let producer = try Producer(
                kafka.client(["statistics.interval.ms": "10"]), stallLimit: .milliseconds(200), logger: quiet
            ) { _ in events.add(1, ordering: .relaxed) }
            let handle = try await producer.prepare([topic])[0]
            let first = await producer.produce(Numbers(handle, 0..<1))
            #expect(try await deadline { await first.settled() }.isDelivered)
            await broker.freeze()
            let batch = await producer.produce(Numbers(handle, 1..<10))
            let progress = try await deadline { await batch.settled() }
            #expect(progress.failure != nil)
            #expect(producer.fatalError?.code == .timedOut)
            #expect(events.load(ordering: .relaxed) > 0)
            await broker.thaw()
            await producer.close()
        }
    }

    @Test(arguments: [Fault(.hang, on: .produce), Fault(.dropAnswer, on: .produce)])
    func `silence shows from its beginning and goes with the first report`(_ fault: Fault) async throws {
        try await TestKafka.withBroker { kafka, broker in
            let topic = try await kafka.makeTopic(partitions: 1)
            let producer = try kafka.producer(["request.timeout.ms": "1000", "socket.timeout.ms": "1000"])
            let handle = try await producer.prepare([topic])[0]
            #expect(producer.waitingSince == nil)
            let number = await broker.inject(fault)
            let start = ContinuousClock.now
            let batch = await producer.produce(Numbers(handle, 0..<10))
            try await eventually("the silence does not show") {
                guard let since = producer.waitingSince else { return false }
                return since >= start && .now - since > .milliseconds(300)
            }
            await broker.removeFault(number)
            await broker.disconnectAll()
            #expect(try await deadline { await batch.settled() }.isDelivered)
            try await eventually("the silence does not end") { producer.waitingSince == nil }
            await producer.close()
        }
    }
}
