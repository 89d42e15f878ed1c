/// A batch that was handed over and waits for its acknowledgement.
public struct Publication: Sendable {
    private let acknowledgement: @Sendable () async throws -> PublicationOutcome

    /// - Parameter acknowledgement: returns once every event of the batch and of all batches before it is stored where
    ///   it was sent, but for what lies behind a segment's halt.
    public init(acknowledgement: @escaping @Sendable () async throws -> PublicationOutcome) {
        self.acknowledgement = acknowledgement
    }

    /// A batch that was acknowledged already.
    public static let acknowledged = Publication { .done }

    /// Waits until the batch is acknowledged, as a worker does.
    public func waitForAcknowledgement() async throws -> PublicationOutcome {
        try await acknowledgement()
    }
}

/// How the events up to a batch's end were published: all of them, but for those behind a segment's halt.
public struct PublicationOutcome: Sendable, Hashable {
    /// The segments that halt within the batch or before it, with the first event of each that is not done.
    public let halts: [SegmentHalt]

    /// - Parameter halts: one for each segment that halts.
    public init(halts: [SegmentHalt] = []) {
        self.halts = halts
    }

    /// Everything is done.
    public static let done = PublicationOutcome()
}

/// A segment cannot go on until something is fixed. The others do.
public struct SegmentHalt: Sendable, Hashable {
    /// The segment, from 0.
    public let segment: Int
    /// The event it halts before; its checkpoint stays there.
    public let position: Int64
    /// What is wrong, and what to do.
    public let reason: String

    /// Says where and why the segment halts.
    public init(segment: Int, position: Int64, reason: String) {
        self.segment = segment
        self.position = position
        self.reason = reason
    }
}

extension SegmentHalt: CustomStringConvertible {
    /// One line.
    public var description: String { "segment \(segment) halts at position \(position): \(reason)" }
}

/// A one-off run did everything but what lies behind some segments' halts.
public struct PublicationHalted: Error, Sendable, Hashable {
    /// The consumer.
    public let consumer: String
    /// The halts, in the order of the segments.
    public let halts: [SegmentHalt]

    /// Says where and why the consumer could not go on.
    public init(consumer: String, halts: [SegmentHalt]) {
        self.consumer = consumer
        self.halts = halts
    }
}

extension PublicationHalted: CustomStringConvertible {
    /// A line for each segment.
    public var description: String { halts.map { "consumer \(consumer): \($0)" }.joined(separator: "\n") }
}
