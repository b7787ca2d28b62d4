"""The steps of a parcel's way, one public function each, batch first. No step imports another."""
