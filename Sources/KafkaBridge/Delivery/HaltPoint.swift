import Consumers

/// The entry a publisher halts at: nothing from there on is sent. Consignments are ordered by when they were handed
/// over, which is not always the order of their positions: a segment claimed later begins further back.
struct HaltPoint: Sendable {
    let consignment: Int
    let entry: Int
    let reason: PublicationHalted
}
