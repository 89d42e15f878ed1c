import Foundation
import Testing

@testable import Consumers

@Suite struct PartitionStrategyTests {
    /// The vectors that pupsourcing/core agrees with: aggregate id, hash, and the segment of 1, 4, 7 and 16.
    private func vectors() throws -> [(id: String, hash: UInt32, segments: [Int: Int])] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/segments.csv")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            let numbers = try fields.suffix(5).map { try #require(UInt32($0)) }
            let id = fields.dropLast(5).joined(separator: ",").dropFirst().dropLast()
            let segments = Dictionary(uniqueKeysWithValues: zip([1, 4, 7, 16], numbers.dropFirst().map(Int.init)))
            return (String(id), numbers[0], segments)
        }
    }

    @Test func `every vector agrees`() throws {
        let vectors = try vectors()
        #expect(vectors.count > 30)
        for vector in vectors {
            let bytes = Array(vector.id.utf8)
            #expect(FNV1aPartitionStrategy.hash(bytes.span.bytes) == vector.hash, "\(vector.id)")
            for (total, segment) in vector.segments {
                #expect(
                    FNV1aPartitionStrategy().segment(of: bytes.span.bytes, totalSegments: total) == segment,
                    "\(vector.id)")
            }
        }
    }
}
