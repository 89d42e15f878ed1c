/// Which records of a batch to feed, in order: a type of its own and no generic collection, since it is asked per record.
package struct RecordIndices: Sendable {
    /// Nil for all in `range`; else the range is one of places in the list.
    private let list: [Int]?
    private var range: Range<Int>

    package init(_ range: Range<Int>) {
        list = nil
        self.range = range
    }

    package init(_ list: [Int]) {
        self.list = list
        range = list.indices
    }

    package var count: Int { range.count }

    subscript(place: Int) -> Int {
        let place = range.lowerBound + place
        return list?[place] ?? place
    }

    package mutating func dropFirst(_ count: Int) {
        range = (range.lowerBound + count)..<range.upperBound
    }
}
