"""DICOMweb (PS3.18): the door is here and asks who is there; its services come later."""
