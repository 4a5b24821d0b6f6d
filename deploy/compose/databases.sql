-- Runs once, when the server is made.
CREATE DATABASE guanxi_customer;
CREATE DATABASE guanxi_engagement;
CREATE DATABASE guanxi_keys;
CREATE DATABASE guanxi_scoring;
