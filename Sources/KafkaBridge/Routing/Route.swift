package import Kafka

/// Where a consumer's events go and in which shape.
package struct Route: Sendable, Hashable {
    package var topic: TopicTemplate
    /// Other topics for some event types.
    package var topicsByEventType: [String: TopicTemplate]
    package var allowlist: TopicAllowlist
    package var key: RecordKey
    /// Names the partition of each event; `nil` where its key decides.
    package var partition: TextTemplate?
    /// How a key leads to a partition.
    package var partitioner: Partitioner
    package var headers: HeaderNames
    /// Which of them are sent.
    package var standardHeaders: StandardHeaders
    package var metadataHeaders: MetadataHeaders
    /// Others, with values of their own or from places in the event.
    package var addedHeaders: AddedHeaders
    package var traceHeaders: TraceHeaders
    package var format: RecordFormat
    /// Reduces the payload; `nil` for the payload byte for byte.
    package var projection: ValueProjection?
    package var tombstones: Tombstones
    /// Set where events are published again.
    package var republication: Republication?

    package init(
        topic: TopicTemplate, topicsByEventType: [String: TopicTemplate] = [:],
        allowlist: TopicAllowlist = TopicAllowlist([]), key: RecordKey = .aggregateID,
        headers: HeaderNames = HeaderNames(), standardHeaders: StandardHeaders = .standard,
        metadataHeaders: MetadataHeaders = MetadataHeaders(), addedHeaders: AddedHeaders = AddedHeaders(),
        traceHeaders: TraceHeaders = [], format: RecordFormat = .payload, projection: ValueProjection? = nil,
        tombstones: Tombstones = Tombstones(), partition: TextTemplate? = nil, partitioner: Partitioner = .murmur2,
        republication: Republication? = nil
    ) {
        self.topic = topic
        self.topicsByEventType = topicsByEventType
        self.allowlist = allowlist
        self.key = key
        self.headers = headers
        self.standardHeaders = standardHeaders
        self.metadataHeaders = metadataHeaders
        self.addedHeaders = addedHeaders
        self.traceHeaders = traceHeaders
        self.projection = projection
        self.tombstones = tombstones
        self.partition = partition
        self.partitioner = partitioner
        self.format = format
        self.republication = republication
    }

    /// Whether a record says which event it carries: what deduplication and `verify` need. CloudEvents always do.
    package var namesEvents: Bool { format != .payload || standardHeaders.contains(.eventID) }

    func template(for eventType: String) -> TopicTemplate { topicsByEventType[eventType] ?? topic }

    /// Topics that are known before the first event: those of templates without fields.
    package var fixedTopics: [TopicName] {
        ([topic] + topicsByEventType.values).compactMap { template in
            guard template.fields.isEmpty else { return nil }
            return try? template.render(RouteFields(boundedContext: "", aggregateType: "", eventType: ""))
        }
    }
}
