/** The places to which a list can be narrowed. */
export const LAYER_OF_PLACE: Record<string, string> = {
  level: 'levels',
  building: 'buildings',
  site: 'sites',
  body: 'bodies',
}

/** What places (`level/14`) are called, as far as the page has met them. */
export const placeNames = new Map<string, string>()
