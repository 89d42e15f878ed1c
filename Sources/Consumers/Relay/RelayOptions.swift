/// How a relay works.
public struct RelayOptions: Sendable {
    /// Into how many segments the consumer's aggregates are divided. Fixed at the consumer's first start.
    public var totalSegments: Int
    /// The most events of one batch.
    public var batchSize: Int
    /// The most bytes of payload of one batch, its first event excepted.
    public var batchBytes: Int
    /// The most memory that batches under way may take.
    public var bytesInFlight: Int
    /// The least time between two writes of the checkpoint while batches come without a pause.
    public var checkpointInterval: Duration
    /// How long to wait, when told to stop, for what is under way.
    public var drainTimeout: Duration
    /// Names this process as the owner of segments.
    public var ownerID: String

    /// The defaults, for an owner.
    public init(
        ownerID: String, totalSegments: Int = 4, batchSize: Int = 500, batchBytes: Int = 4 << 20,
        bytesInFlight: Int = 32 << 20, checkpointInterval: Duration = .milliseconds(20),
        drainTimeout: Duration = .seconds(20)
    ) {
        self.ownerID = ownerID
        self.totalSegments = totalSegments
        self.batchSize = batchSize
        self.batchBytes = batchBytes
        self.bytesInFlight = bytesInFlight
        self.checkpointInterval = checkpointInterval
        self.drainTimeout = drainTimeout
    }
}
