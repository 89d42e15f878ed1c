import EventSourcing

/// Finds an event's topic. Remembers what it found, so that an event costs one look-up by its bytes and no `String`.
struct Router {
    /// An index into ``topics``, or why there is none.
    typealias Answer = Result<Int, RoutingError>

    let route: Route
    /// All topics found so far, in the order they were found.
    private(set) var topics: [TopicName] = []

    private var registry = TopicRegistry()
    private var indices: [TopicName: Int] = [:]
    private var known: [UInt64: [Entry]] = [:]

    private struct Entry {
        let boundedContext: [UInt8]
        let aggregateType: [UInt8]
        let eventType: [UInt8]
        let eventVersion: Int32
        let answer: Answer
    }

    /// Answers to remember before forgetting them all: fields with unbounded values must not fill the memory.
    private static let capacity = 10_000
    private var count = 0

    init(_ route: Route) { self.route = route }

    mutating func topic(for event: EventView) -> Answer {
        let hash = Self.hash(event)
        for entry in known[hash] ?? [] where Self.matches(entry, event) { return entry.answer }
        let fields = RouteFields(
            boundedContext: String(copying: event.boundedContext), aggregateType: String(copying: event.aggregateType),
            eventType: String(copying: event.eventType), eventVersion: event.eventVersion)
        let answer = topic(for: fields)
        if count >= Self.capacity {
            known.removeAll()
            count = 0
        }
        count += 1
        known[hash, default: []].append(
            Entry(
                boundedContext: Array(fields.boundedContext.utf8), aggregateType: Array(fields.aggregateType.utf8),
                eventType: Array(fields.eventType.utf8), eventVersion: fields.eventVersion, answer: answer))
        return answer
    }

    mutating func topic(for fields: RouteFields) -> Answer {
        do throws(RoutingError) { return .success(try find(fields)) } catch { return .failure(error) }
    }

    private mutating func find(_ fields: RouteFields) throws(RoutingError) -> Int {
        let template = route.template(for: fields.eventType)
        let name: TopicName
        do { name = try template.render(fields) } catch { throw .name(error) }
        guard route.allowlist.allows(name) else { throw .notAllowed(name.description) }
        do { try registry.enter(name, inputs: template.inputs(fields)) } catch { throw .collision(error) }
        return topic(named: name)
    }

    /// Enters a topic that is known before its first event.
    mutating func topic(named name: TopicName) -> Int {
        if let index = indices[name] { return index }
        topics.append(name)
        indices[name] = topics.count - 1
        return topics.count - 1
    }

    private static func hash(_ event: EventView) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ bytes: RawSpan) {
            bytes.withUnsafeBytes { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
            // Keeps `ab` + `c` apart from `a` + `bc`.
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        mix(event.boundedContext)
        mix(event.aggregateType)
        mix(event.eventType)
        return (hash ^ UInt64(UInt32(bitPattern: event.eventVersion))) &* 0x100_0000_01b3
    }

    private static func matches(_ entry: Entry, _ event: EventView) -> Bool {
        event.eventVersion == entry.eventVersion && equal(event.eventType, entry.eventType)
            && equal(event.aggregateType, entry.aggregateType) && equal(event.boundedContext, entry.boundedContext)
    }

    private static func equal(_ bytes: RawSpan, _ array: [UInt8]) -> Bool {
        bytes.byteCount == array.count && bytes.withUnsafeBytes { $0.elementsEqual(array) }
    }
}

extension String {
    init(copying bytes: RawSpan) {
        self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
