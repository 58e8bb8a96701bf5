<!doctype html><title>chatstate</title>
