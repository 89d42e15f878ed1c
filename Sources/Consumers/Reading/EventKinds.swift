import EventSourcing

/// Numbers for the pairs of bounded context and aggregate type that occur, so that a hundred consumers with a scope each
/// compare numbers, not texts.
struct EventKinds: Sendable {
    /// A pair that got a number.
    struct Kind: Sendable {
        let boundedContext: [UInt8]
        let aggregateType: [UInt8]

        func isWanted(by scope: EventScope) -> Bool {
            (scope.aggregateTypes.isEmpty || scope.aggregateTypes.contains { $0.utf8.elementsEqual(aggregateType) })
                && (scope.boundedContexts.isEmpty
                    || scope.boundedContexts.contains { $0.utf8.elementsEqual(boundedContext) })
        }
    }

    /// Pairs come from outside: beyond so many, the others share a number, and their texts are compared.
    static let most = 50_000
    /// Nor are longer pairs kept.
    static let longest = 2_000
    /// The number of the pairs that are too many or too long.
    static let overflow = -1

    private(set) var kinds: [Kind] = []
    private var byHash: [UInt64: [Int]] = [:]

    /// The number of the event's pair.
    mutating func number(of event: EventView) -> Int {
        let hash = Self.hash(event.aggregateType, Self.hash(event.boundedContext, 14_695_981_039_346_656_037))
        for number in byHash[hash] ?? [] {
            let kind = kinds[number]
            if event.boundedContext.equals(kind.boundedContext), event.aggregateType.equals(kind.aggregateType) {
                return number
            }
        }
        let length = event.boundedContext.byteCount + event.aggregateType.byteCount
        if kinds.count == Self.most || length > Self.longest { return Self.overflow }
        kinds.append(
            Kind(
                boundedContext: event.boundedContext.withUnsafeBytes { Array($0) },
                aggregateType: event.aggregateType.withUnsafeBytes { Array($0) }))
        byHash[hash, default: []].append(kinds.count - 1)
        return kinds.count - 1
    }

    /// FNV-1a with 64 bits, of one text after the other.
    private static func hash(_ bytes: RawSpan, _ seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { buffer in
            var hash = seed
            for byte in buffer { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
            return (hash ^ 0xFF) &* 1_099_511_628_211
        }
    }
}

extension RawSpan {
    func equals(_ bytes: [UInt8]) -> Bool {
        byteCount == bytes.count && withUnsafeBytes { $0.elementsEqual(bytes) }
    }
}
