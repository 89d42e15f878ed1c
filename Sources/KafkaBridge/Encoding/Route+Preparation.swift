package import EventSourcing

extension Route {
    /// Whether something of each record is made before it, that is kept until it is sent.
    package var preparesRecords: Bool {
        key.template != nil || partition != nil || projection != nil || !tombstones.isEmpty
    }

    /// Whether an event may have no record on this route, so that each is to be looked at.
    var checksRecords: Bool { preparesRecords || format != .payload }

    /// Whether the metadata's text becomes part of records; of traces only what is ASCII does.
    var usesMetadata: Bool {
        !metadataHeaders.isEmpty || addedHeaders.uses(.metadata) || templates.contains { $0.uses(.metadata) }
    }

    /// Whether the key or the partition of an event shows only in its metadata or payload.
    var placesByContents: Bool { key.template?.usesContents == true || partition?.usesContents == true }

    /// Whether more than the value is made of the payload.
    var placesByPayload: Bool { addedHeaders.uses(.payload) || templates.contains { $0.uses(.payload) } }

    private var templates: [TextTemplate] {
        var all = [key.template, partition].compactMap { $0 }
        if let source = format.cloudEvents?.source { all.append(source) }
        return all
    }

    /// What of the event's record is made before it is sent.
    ///
    /// - Throws: why the event can have no record here. A part that needs a payload which stayed in the database is left out: the event is
    ///   read again before its record is made.
    package func prepare(_ event: EventView) throws(RecordProblem) -> PreparedRecord {
        var record = PreparedRecord()
        let isTombstone = !tombstones.isEmpty && tombstones.hold(event)
        let isWithheld = event.withheldBytes != nil
        record.lacksPayload = isWithheld && placesByPayload
        if !(isWithheld && key.template?.uses(.payload) == true) { record.key = try key.bytes(of: event) }
        if let partition, !(isWithheld && partition.uses(.payload)) {
            record.partition = try Self.partition(of: event, partition)
        }
        if isTombstone {
            record.value = .none
        } else if let projection, !isWithheld {
            record.value = .made(try projection.apply(to: event.payload))
        }
        if let settings = format.cloudEvents {
            try Self.checkAttributes(of: event, settings, isWithheld: isWithheld)
        }
        return record
    }

    /// As ``prepare(_:)``, with what can be had of a record: for what is known to have one, and for the dead-letter topic. What cannot be
    /// reduced as the consumer wants it has no value there, and the aggregate's id stands for a key that cannot be made.
    package func prepareWhatIsPossible(_ event: EventView) -> PreparedRecord {
        var record = PreparedRecord()
        if key != .aggregateID { record.key = (try? key.bytes(of: event)) ?? nil }
        if !tombstones.isEmpty, tombstones.hold(event) {
            record.value = .none
        } else if let projection, event.withheldBytes == nil {
            record.value = .none
            if let value = try? projection.apply(to: event.payload) { record.value = .made(value) }
        }
        return record
    }

    /// Whether a record without a value is one because its payload cannot be reduced.
    func hidesValue(of event: EventView, _ record: PreparedRecord) -> Bool {
        guard projection != nil, case .none = record.value else { return false }
        return !tombstones.hold(event)
    }

    private static func partition(
        of event: EventView, _ template: TextTemplate
    ) throws(RecordProblem) -> Int32 {
        var bytes: [UInt8] = []
        if let gap = template.append(event, to: &bytes) { throw .gap(.partition, gap) }
        guard !bytes.isEmpty, bytes.count <= 10, bytes.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int32(String(decoding: bytes, as: UTF8.self))
        else { throw .noPartition }
        return number
    }

    private static func checkAttributes(
        of event: EventView, _ settings: RecordFormat.CloudEvents, isWithheld: Bool
    ) throws(RecordProblem) {
        if event.eventType.byteCount == 0 { throw .emptyAttribute("type") }
        if !AttributeText.isLegal(event.eventType) { throw .illegalAttribute("type") }
        // A literal is never empty.
        guard settings.source.literalLength == 0 || settings.source.usesContents else { return }
        if isWithheld, settings.source.uses(.payload) { return }
        var source: [UInt8] = []
        if let gap = settings.source.append(event, to: &source) { throw .gap(.source, gap) }
        if source.isEmpty { throw .emptyAttribute("source") }
    }
}

extension RecordFormat {
    /// What CloudEvents need to know; `nil` for another format.
    var cloudEvents: CloudEvents? {
        switch self {
        case .payload: nil
        case .cloudEventsBinary(let settings), .cloudEventsStructured(let settings): settings
        }
    }
}
