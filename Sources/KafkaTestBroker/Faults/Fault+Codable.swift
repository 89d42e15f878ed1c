extension Fault: Codable {
    private enum CodingKeys: String, CodingKey {
        case action, error, milliseconds, request, topic, partition, node, skip, count
        case transactionalID = "transactional_id"
    }

    /// Reads the form of the control endpoint: the action's name beside its error or its milliseconds.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let name = try values.decode(String.self, forKey: .action)
        func code() throws -> KafkaErrorCode {
            if let number = try? values.decode(Int16.self, forKey: .error) { return KafkaErrorCode(rawValue: number) }
            let text = try values.decode(String.self, forKey: .error)
            guard let code = KafkaErrorCode(name: text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .error, in: values, debugDescription: "'\(text)' is no error of the Kafka protocol")
            }
            return code
        }
        func time() throws -> Duration { .milliseconds(try values.decode(Int64.self, forKey: .milliseconds)) }
        let action: Action
        switch name {
        case "refuse": action = .refuse(try code())
        case "applyThenRefuse": action = .applyThenRefuse(try code())
        case "dropAnswer": action = .dropAnswer
        case "hang": action = .hang
        case "disconnect": action = .disconnect
        case "disconnectMidFrame": action = .disconnectMidFrame
        case "takeEffectLater": action = .takeEffectLater(try time())
        case "delay": action = .delay(try time())
        case "delayMarkers": action = .delayMarkers(try time())
        case "holdMarkers": action = .holdMarkers
        case "throttle": action = .throttle(try time())
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .action, in: values, debugDescription: "'\(name)' is no action")
        }
        self.init(
            action, on: try values.decodeIfPresent(RequestKind.self, forKey: .request),
            transactionalID: try values.decodeIfPresent(String.self, forKey: .transactionalID),
            topic: try values.decodeIfPresent(String.self, forKey: .topic),
            partition: try values.decodeIfPresent(Int32.self, forKey: .partition),
            node: try values.decodeIfPresent(Int32.self, forKey: .node),
            skip: try values.decodeIfPresent(Int.self, forKey: .skip) ?? 0,
            count: try values.decodeIfPresent(Int.self, forKey: .count))
    }

    /// Writes the form of the control endpoint.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        var code: KafkaErrorCode?
        var time: Duration?
        let name: String
        switch action {
        case .refuse(let error): (name, code) = ("refuse", error)
        case .applyThenRefuse(let error): (name, code) = ("applyThenRefuse", error)
        case .dropAnswer: name = "dropAnswer"
        case .hang: name = "hang"
        case .disconnect: name = "disconnect"
        case .disconnectMidFrame: name = "disconnectMidFrame"
        case .takeEffectLater(let duration): (name, time) = ("takeEffectLater", duration)
        case .delay(let duration): (name, time) = ("delay", duration)
        case .delayMarkers(let duration): (name, time) = ("delayMarkers", duration)
        case .holdMarkers: name = "holdMarkers"
        case .throttle(let duration): (name, time) = ("throttle", duration)
        }
        try values.encode(name, forKey: .action)
        try values.encodeIfPresent(code?.rawValue, forKey: .error)
        try values.encodeIfPresent(time?.milliseconds, forKey: .milliseconds)
        try values.encodeIfPresent(request, forKey: .request)
        try values.encodeIfPresent(transactionalID, forKey: .transactionalID)
        try values.encodeIfPresent(topic, forKey: .topic)
        try values.encodeIfPresent(partition, forKey: .partition)
        try values.encodeIfPresent(node, forKey: .node)
        if skip != 0 { try values.encode(skip, forKey: .skip) }
        try values.encodeIfPresent(count, forKey: .count)
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
