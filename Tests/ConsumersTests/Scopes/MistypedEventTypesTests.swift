import EventSourcing
import Testing

@testable import Consumers

@Suite struct MistypedEventTypesTests {
    private let recent: Set<String> = ["OrderPlaced", "OrderPaid", "UserErased"]

    private func names(_ wanted: [String], except: [String] = []) -> [String] {
        let filter = EventFilter(
            eventTypes: wanted.map { NamePattern($0) }, exceptEventTypes: except.map { NamePattern($0) })
        return MistypedEventTypes(filter, recent: recent)?.names.map { "\($0.list) \($0.name) → \($0.nearest)" } ?? []
    }

    @Test func `a name or the begin of one that is near to a type of the last events is named with it`() {
        #expect(names(["OrderPlaecd", "OrderPaid"]) == ["event_types OrderPlaecd → OrderPlaced"])
        #expect(names(["Ordre*"]) == ["event_types Ordre* → Order*"])
        #expect(names([], except: ["UserErasd"]) == ["except_event_types UserErasd → UserErased"])
    }

    @Test func `what occurs, or may come yet, is no mistake`() {
        #expect(names(["Order*", "*Erased", "UserErased"]).isEmpty)
        #expect(names(["InvoiceSent", "Payment*", "*Cancelled"]).isEmpty)
        #expect(MistypedEventTypes(EventFilter(eventTypes: ["OrderPlaecd"]), recent: []) == nil)
    }
}
