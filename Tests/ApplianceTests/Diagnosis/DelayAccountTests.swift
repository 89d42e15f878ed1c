import Consumers
import EventSourcing
import KafkaBridge
import Testing

@testable import Appliance

@Suite struct DelayAccountTests {
    /// An event that has waited for a hundred seconds, behind a relay that answers and has nothing to complain of.
    private var facts: DelayAccount.Facts {
        var facts = DelayAccount.Facts(consumer: "orders", waiting: 7, age: .seconds(100), position: 40, segment: 2)
        facts.owner = .live("w", .flowing)
        facts.horizon = DelayAccount.Facts.Horizon(position: 90)
        return facts
    }

    private func shares(_ facts: DelayAccount.Facts) -> [String] {
        DelayAccount(facts).shares.map { share in
            "\(share.cause.rawValue) \(share.time.map { "\($0.components.seconds)" } ?? "?")"
        }
    }

    private func order(paused: Bool = false, rate: Double? = nil, _ age: Duration = .seconds(30)) -> StoreStatus.Order {
        StoreStatus.Order(control: ConsumerControl(isPaused: paused, rate: rate), age: age, actor: "ada@here")
    }

    @Test func `nothing that waits has no cause`() {
        var facts = facts
        facts.waiting = 0
        facts.order = order(paused: true)
        #expect(DelayAccount(facts).shares.isEmpty)
        #expect(DelayAccount.text([DelayAccount(facts)]) == "orders: nothing waits\n")
    }

    @Test func `what no cause covers was reading and the queue, where a relay answers`() {
        #expect(shares(facts) == ["reading_and_queue 100"])
    }

    @Test func `without a relay that answers the rest is unknown, and open transactions are named as a possibility`() {
        var facts = facts
        facts.horizon = nil
        facts.writers = [HorizonHold(processID: 4711, age: .seconds(50))]
        #expect(shares(facts) == ["unknown 100"])
        let text = DelayAccount(facts).shares[0].text
        #expect(text.contains("no running relay answers") && text.contains("may hold it back") && text.contains("4711"))
    }

    @Test func `a pause has its time, and the operator's name`() {
        var facts = facts
        facts.order = order(paused: true)
        #expect(shares(facts) == ["paused 30", "reading_and_queue 70"])
        #expect(DelayAccount(facts).shares[0].text == "paused by ada@here: `godwit resume orders`")
        facts.order = order(paused: true, .seconds(300))
        #expect(shares(facts) == ["paused 100"], "not more than the event's age")
    }

    @Test
    func `a process that is not heard of counts since its last heartbeat, and none at all since nobody knows when`() {
        var facts = facts
        facts.owner = .silent("w", .seconds(60))
        #expect(shares(facts) == ["not_served 60", "reading_and_queue 40"])
        facts.owner = .nobody
        #expect(shares(facts) == ["not_served ?", "unknown 100"])
    }

    @Test func `a source that is not read counts for as long as nothing was read`() {
        var facts = facts
        facts.problem = SourceProblem(text: "no right", isRefusal: false, duration: .seconds(20))
        facts.owner = .live("w", .waiting("nothing could be read for 20 s: no right"))
        #expect(
            shares(facts) == ["not_read 20", "reading_and_queue 80"], "and the heartbeat's words are the same cause")
    }

    @Test func `a halt counts since it was recorded, and else since nobody knows when`() {
        var facts = facts
        facts.halt = DelayAccount.Facts.Halt(position: 40, since: .seconds(95), reason: "too large")
        #expect(shares(facts) == ["halted 95", "reading_and_queue 5"])
        #expect(DelayAccount(facts).shares[0].text == "its segment halts at position 40: too large")
        facts.halt?.since = nil
        #expect(shares(facts) == ["halted ?", "unknown 100"])
    }

    @Test func `an open transaction counts for an event behind the horizon only, and is named`() {
        var facts = facts
        facts.horizon = DelayAccount.Facts.Horizon(
            position: 39, waiting: .seconds(80), holders: ["process 4711, idle in transaction"])
        #expect(shares(facts) == ["open_transaction 80", "reading_and_queue 20"])
        #expect(DelayAccount(facts).shares[0].text.contains("process 4711, idle in transaction"))
        facts.horizon?.position = 40
        #expect(shares(facts) == ["reading_and_queue 100"], "the event itself is settled")
        facts.horizon = DelayAccount.Facts.Horizon(position: 39)
        #expect(shares(facts) == ["reading_and_queue 100"], "the horizon waits for nothing")
    }

    @Test(arguments: [ConsumerCondition.waiting("away"), .stalled("away"), .refused("away")])
    func `brokers count for as long as they have acknowledged nothing, and else since nobody knows when`(
        _ condition: ConsumerCondition
    ) {
        var facts = facts
        facts.owner = .live("w", condition)
        facts.silence = .seconds(10)
        #expect(shares(facts) == ["brokers 10", "reading_and_queue 90"])
        #expect(DelayAccount(facts).shares[0].text == "away")
        facts.silence = nil
        #expect(shares(facts) == ["brokers ?", "unknown 100"])
    }

    @Test func `brokers that are silent for a moment while events flow are no cause`() {
        var facts = facts
        facts.silence = .seconds(1)
        #expect(shares(facts) == ["reading_and_queue 100"])
    }

    @Test func `a rate has what is left of its time`() {
        var facts = facts
        facts.order = order(rate: 200)
        #expect(shares(facts) == ["rate_limit 30", "reading_and_queue 70"])
        #expect(DelayAccount(facts).shares[0].text.contains("bounded to 200 events/s by ada@here"))
        facts.halt = DelayAccount.Facts.Halt(position: 40, since: .seconds(10), reason: "too large")
        #expect(shares(facts) == ["halted 10", "rate_limit 20", "reading_and_queue 70"])
    }

    @Test func `each moment counts once, for the first of its causes, and the parts make up the age`() {
        var facts = facts
        facts.order = order(paused: true, .seconds(10))
        facts.horizon = DelayAccount.Facts.Horizon(position: 3, waiting: .seconds(60))
        facts.owner = .live("w", .waiting("away"))
        facts.silence = .seconds(90)
        #expect(shares(facts) == ["paused 10", "open_transaction 50", "brokers 30", "reading_and_queue 10"])
        facts.order = order(paused: true, .seconds(60))
        #expect(
            shares(facts) == ["paused 60", "brokers 30", "reading_and_queue 10"], "what explains nothing is left out")
    }

    @Test func `an event whose age was not found is of unknown age`() {
        var facts = facts
        (facts.age, facts.position) = (nil, nil)
        #expect(shares(facts) == ["unknown ?"])
        facts.order = order(paused: true)
        #expect(shares(facts) == ["paused ?"])
        #expect(DelayAccount.text([DelayAccount(facts)]).contains("is of unknown age\n  ? pause: paused by ada@here"))
    }

    @Test func `people get sentences and a table of shares`() {
        var facts = facts
        facts.order = order(paused: true)
        facts.stages = StageTimes(count: 4, settle: 0.008, queue: 0.4, deliver: 8)
        #expect(
            DelayAccount.text([DelayAccount(facts)]) == """
                orders: the oldest undelivered event, position 40 in segment 2, is 1 m 40 s old
                  30 s pause: paused by ada@here: `godwit resume orders`
                  1 m 10 s reading and queue: reading, what was under way before it, or a cause that has ended since
                  each of its 4 batches so far took on average: 2 ms open transactions, 100 ms reading and queue, 2 s \
                brokers and retries

                consumer  cause                  time  share
                orders    pause                  30 s   30 %
                orders    reading and queue  1 m 10 s   70 %

                """)
    }

    @Test func `what the database and the process say becomes facts, of the segment that has the oldest event`() throws
    {
        let process = try JSONParser.parse(
            """
            {"worker": "w", "horizon": {"position": 39, "waiting_seconds": 8.5, "held_back_by": ["process 7"]},
             "consumers": [{"name": "orders", "delivery": {"status": "waiting", "reason": "away", "unacknowledged_seconds": 4},
                "halts": [{"segment": 1, "position": 40, "reason": "its topic is gone"}]}]}
            """)
        let lags = [
            SegmentLag(counted: 1, oldest: .seconds(3), oldestPosition: 70),
            SegmentLag(counted: 2, oldest: .seconds(9), oldestPosition: 40),
        ]
        func make(_ process: JSONValue?, _ halts: [DeadLetters.Halt] = [], heartbeat: Duration = .zero)
            -> DelayAccount.Facts
        {
            let consumer = StoreStatus.Consumer(
                name: "orders",
                segments: lags.enumerated().map { StoreStatus.Segment(id: $0, owner: "w", checkpoint: 30, lag: $1) },
                workers: [StoreStatus.Worker(id: "w", lastHeartbeat: heartbeat)], order: nil)
            let store = StoreStatus(latest: 90, lastDrawn: 90, writers: [], consumers: [consumer])
            let picture = StatusSource.Picture(store: store, deadLetters: [:], halts: halts)
            return DelayAccount.Facts(
                consumer, in: picture, process: process, stages: nil, staleThreshold: .seconds(30))
        }
        let facts = make(process)
        #expect(facts.segment == 1 && facts.position == 40 && facts.age == .seconds(9) && facts.waiting == 3)
        #expect(facts.owner == .live("w", .waiting("away")) && facts.silence == .seconds(4))
        #expect(
            facts.horizon
                == DelayAccount.Facts.Horizon(position: 39, waiting: .seconds(8.5), holders: ["process 7"]))
        #expect(facts.halt == DelayAccount.Facts.Halt(position: 40, since: nil, reason: "its topic is gone"))
        let recorded = DeadLetters.Halt(consumer: "orders", segment: 1, position: 40, age: .seconds(5), error: "large")
        let alone = make(nil, [recorded], heartbeat: .seconds(31))
        #expect(alone.owner == .silent("w", .seconds(31)) && alone.horizon == nil && alone.silence == nil)
        #expect(alone.halt == DelayAccount.Facts.Halt(position: 40, since: .seconds(5), reason: "large"))
    }

    @Test func `the stages are read from the text of the metrics, by consumer`() {
        let text = """
            # TYPE godwit_consumer_delay_seconds histogram
            godwit_consumer_delay_seconds_bucket{consumer="a",stage="settle",le="0.1"} 3
            godwit_consumer_delay_seconds_sum{consumer="a",stage="settle"} 0.25
            godwit_consumer_delay_seconds_count{consumer="a",stage="settle"} 3
            godwit_consumer_delay_seconds_sum{consumer="a",stage="queue"} 1.5
            godwit_consumer_delay_seconds_sum{consumer="a",stage="deliver"} 2
            godwit_consumer_delay_seconds_count{consumer="a",stage="deliver"} 3
            godwit_consumer_delay_seconds_count{consumer="b",stage="deliver"} 0
            godwit_consumer_lag_seconds{consumer="a"} 5
            """
        #expect(StageTimes.parse(text) == ["a": StageTimes(count: 3, settle: 0.25, queue: 1.5, deliver: 2)])
        #expect(StageTimes.parse("").isEmpty)
    }
}
