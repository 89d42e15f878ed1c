/// Which columns of a table that is not Godwit's own hold the fields of events.
package struct SourceColumns: Sendable, Hashable {
    /// The column of positions.
    package let position: String
    private var origins: [SourceShape.Field: SourceShape.Origin]
    /// Of a time that is a number since 1970; `nil` where it is of a type for times.
    package let timeUnit: SourceShape.TimeUnit?

    /// - Parameter origins: of the fields that events have; others are absent.
    /// - Throws: what is missing, by field.
    package init(
        _ origins: [SourceShape.Field: SourceShape.Origin], timeUnit: SourceShape.TimeUnit? = nil
    ) throws(MissingFields) {
        let missing = SourceShape.Field.allCases.filter { field in
            guard field.isRequired else { return false }
            switch origins[field] ?? .absent {
            case .column: return false
            case .constant: return !field.takesConstant
            case .absent: return true
            }
        }
        guard missing.isEmpty, case .column(let position) = origins[.globalPosition] else {
            throw MissingFields(fields: missing)
        }
        self.position = position
        self.origins = origins
        self.timeUnit = timeUnit
    }

    package subscript(field: SourceShape.Field) -> SourceShape.Origin { origins[field] ?? .absent }

    /// Fields that no event can be without, and that come from nowhere.
    package struct MissingFields: Error, Sendable, Hashable {
        package let fields: [SourceShape.Field]
    }
}
