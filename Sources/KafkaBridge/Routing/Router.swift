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
    private var answers = AnswerCache()

    init(_ route: Route) { self.route = route }

    mutating func topic(for event: EventView) -> Answer {
        let hash = AnswerCache.hash(event)
        if let answer = answers.find(event, hash) { return answer }
        let fields = RouteFields(
            boundedContext: String(copying: event.boundedContext), aggregateType: String(copying: event.aggregateType),
            eventType: String(copying: event.eventType), eventVersion: event.eventVersion)
        let answer = topic(for: fields)
        answers.insert(answer, fields, hash)
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
}

extension String {
    /// The text of the bytes. Where they are not UTF-8, those that are not ASCII are written as `\xff`, so that different
    /// bytes stay different texts.
    init(copying bytes: RawSpan) {
        self = bytes.withUnsafeBytes { String(validating: $0, as: UTF8.self) ?? Self.escaped($0) }
    }

    private static func escaped(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        for byte in bytes {
            if byte < 0x80 {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + String(byte, radix: 16)
            }
        }
        return text
    }
}
